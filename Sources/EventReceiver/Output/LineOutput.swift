import DemoServer
import Dispatch
import Synchronization
import TrackerCore

/// Writes lines to a file descriptor on its own thread, so that callers never wait for the reader.
///
/// The buffer is bounded: if the reader is too slow, further lines are skipped and counted.
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
    ///   - onSkipped: called on the writing thread with the number of skipped lines, once the reader reads again.
    package init(
        descriptor: Int32, capacity: Int = 32 << 20, onSkipped: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.descriptor = descriptor
        self.capacity = capacity
        self.onSkipped = onSkipped
    }

    /// The number of lines skipped so far.
    package var skipped: Int { state.withLock { $0.skipped } }

    package func start() throws(SystemError) {
        try DetachedThread.start(name: "output") { [self] in run() }
    }

    /// Queues one line, without its line break.
    package func write(_ line: some Collection<UInt8>) { write(lines: CollectionOfOne(line)) }

    /// Queues lines, without their line breaks.
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

    /// Waits until everything is written, for at most `limit`.
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
