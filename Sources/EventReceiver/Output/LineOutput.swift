import DemoServer
import Dispatch
import Synchronization
import TrackerCore

/// Writes lines to a descriptor from a thread of its own, so that whoever hands them over never waits for the reader.
///
/// What a reader that doesn't read leaves waiting is bounded; further lines are skipped and counted.
package final class LineOutput: Sendable {
    private struct State {
        var waiting: [UInt8] = []
        var isWriting = false
        var isClosed = false
        var skipped = 0
        var reported = 0
    }

    private let descriptor: Int32
    private let capacity: Int
    private let state = Mutex(State())
    private let bell = DispatchSemaphore(value: 0)
    private let onSkipped: @Sendable (Int) -> Void

    /// - Parameters:
    ///   - capacity: how many bytes may wait.
    ///   - onSkipped: told how many lines were skipped, once the reader reads again. Called from the writing thread.
    package init(
        descriptor: Int32, capacity: Int = 32 << 20, onSkipped: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.descriptor = descriptor
        self.capacity = capacity
        self.onSkipped = onSkipped
    }

    /// Lines that were skipped so far.
    package var skipped: Int { state.withLock { $0.skipped } }

    package func start() throws(SystemError) {
        try DetachedThread.start(name: "output") { [self] in run() }
    }

    /// Hands over one line, without its end.
    package func write(_ line: some Collection<UInt8>) { write(lines: CollectionOfOne(line)) }

    /// Hands over lines, without their ends.
    package func write(lines: some Collection<some Collection<UInt8>>) {
        let mustRing = state.withLock { state -> Bool in
            let wasEmpty = state.waiting.isEmpty
            for line in lines {
                guard !state.isClosed, state.waiting.count + line.count < capacity else {
                    state.skipped += 1
                    continue
                }
                state.waiting.append(contentsOf: line)
                state.waiting.append(0x0A)
            }
            return wasEmpty && !state.waiting.isEmpty
        }
        if mustRing { bell.signal() }
    }

    /// Waits until everything is written, at most so long.
    package func drain(within limit: Duration) {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            let isDone = state.withLock { $0.isClosed || $0.waiting.isEmpty && !$0.isWriting }
            if isDone { return }
            _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(2))
        }
    }

    private func run() {
        while true {
            bell.wait()
            let (bytes, skipped) = state.withLock { state -> ([UInt8], Int) in
                defer { state.waiting = [] }
                state.isWriting = true
                defer { state.reported = state.skipped }
                return (state.waiting, state.skipped - state.reported)
            }
            let isOpen = bytes.isEmpty || FileOutput.write(bytes, to: descriptor)
            if skipped > 0 { onSkipped(skipped) }
            state.withLock { state in
                state.isWriting = false
                if !isOpen {
                    state.isClosed = true
                    state.waiting = []
                }
            }
            if !isOpen { return }
        }
    }
}
