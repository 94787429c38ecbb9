import Foundation
import Synchronization
import TrackerCore

/// The state of the sink's thread. `@unchecked Sendable`: everything mutable but `state` is used only on that thread.
final class EventSinkCore: @unchecked Sendable {
    struct State {
        var received: [EventSink.Received] = []
        var taken = 0
        var connections = 0
        var open = 0
        var mostConnections = 0
        var script: EventSink.Script
    }

    let loop: SocketLoop
    let takesBatches: Bool
    let state: Mutex<State>
    private var connections: [Int: EventSinkConnection] = [:]

    init(port: UInt16, takesBatches: Bool, _ script: @escaping EventSink.Script) throws {
        self.takesBatches = takesBatches
        state = Mutex(State(script: script))
        loop = try SocketLoop(port: port)
        try loop.start(name: "event-sink") { [weak self] connection in
            if let self { accept(connection) } else { close(connection) }
        }
    }

    private func accept(_ descriptor: Int32) {
        SocketOption.sendAtOnce(descriptor)
        let number = state.withLock { state in
            state.connections += 1
            state.open += 1
            state.mostConnections = max(state.mostConnections, state.open)
            return state.connections - 1
        }
        connections[number] = EventSinkConnection(descriptor, number: number, core: self)
    }

    func ended(_ number: Int) {
        connections[number] = nil
        state.withLock { $0.open -= 1 }
    }

    func closeConnections() {
        loop.performAndWait { [self] in
            for connection in Array(connections.values) { connection.close() }
        }
    }

    func end() {
        loop.performAndWait { [self] in
            for connection in Array(connections.values) { connection.close() }
            loop.stop()
        }
    }
}

/// One connection of a sink. It serves one request after the other.
final class EventSinkConnection: SocketMember {
    private let descriptor: Int32
    private let number: Int
    /// Kept alive, because the loop may reach a connection once more after the sink has ended.
    private let core: EventSinkCore
    private var token: UInt64 = 0
    private var isClosed = false
    private var isReadable = false
    private var isHungUp = false
    private var isWritable = false
    private var input: [UInt8] = []
    private var output: [UInt8] = []
    /// The answer in progress; no further request is taken before it is complete.
    private var answer: EventSink.Answer?
    private var request = 0
    private var hasHead = false
    private var answerAt: UInt64 = 0
    private var dripsLeft = 0

    init(_ descriptor: Int32, number: Int, core: EventSinkCore) {
        self.descriptor = descriptor
        self.number = number
        self.core = core
        token = core.loop.watch(descriptor, for: self)
    }

    func isReady(_ event: Poller.Event, token: UInt64) {
        isReadable = isReadable || event.isReadable || event.isHangup
        isHungUp = isHungUp || event.isHangup
        isWritable = isWritable || event.isWritable
        work()
    }

    func isDue() { work() }

    private func work() {
        guard !isClosed else { return }
        read()
        repeat {
            if answer != nil { continueAnswer() }
            flush()
        } while !isClosed && answer == nil && output.isEmpty && take()
    }

    private func read() {
        let scratch = core.loop.scratch
        while isReadable {
            let count = recv(descriptor, scratch.baseAddress, scratch.count, 0)
            if count < 0, errno == EINTR { continue }
            if count > 0 {
                input.append(contentsOf: UnsafeRawBufferPointer(rebasing: scratch[..<count]))
                if count < scratch.count, !isHungUp { isReadable = false }
                continue
            }
            isReadable = false
            if count == 0 || errno != EAGAIN { return close() }
        }
    }

    /// Takes the next request if it is complete.
    private func take() -> Bool {
        guard let (head, length) = nextRequest(), input.count >= head + length else { return false }
        var received = EventSink.Received(
            head: Array(input[..<head]), body: Array(input[head..<(head + length)]), connection: number, number: 0,
            time: SystemClock.monotonicNanoseconds())
        input.removeFirst(head + length)
        let script = core.state.withLock { state in
            received.number = state.received.count
            state.received.append(received)
            return state.script
        }
        let answer = script(received)
        self.answer = answer
        request = received.number
        hasHead = false
        dripsLeft = 0
        answerAt = received.time + answer.delay.nanoseconds
        return true
    }

    /// Returns the lengths of the next request's head and body.
    private func nextRequest() -> (head: Int, body: Int)? {
        input.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, let end = bytes.firstOffset(of: [13, 10, 13, 10]) else { return nil }
            let head = end + 4
            var offset = 0
            while offset < head, let newline = memchr(base + offset, 10, head - offset) {
                let next = base.distance(to: UnsafeRawPointer(newline)) + 1
                let line = (base + offset).assumingMemoryBound(to: CChar.self)
                if next - offset > 16, strncasecmp(line, "content-length:", 15) == 0 {
                    // The head ends with a line break, so `strtol` stops within it.
                    return (head, max(0, Int(strtol(line + 15, nil, 10))))
                }
                offset = next
            }
            return (head, 0)
        }
    }

    private func continueAnswer() {
        guard let answer else { return }
        let now = SystemClock.monotonicNanoseconds()
        guard answerAt <= now else { return core.loop.wake(self, at: answerAt) }
        if let status = answer.status {
            if !hasHead {
                begin(answer, status)
                hasHead = true
                if dripsLeft == 0 { return finish(answer) }
            } else {
                output.append(UInt8(ascii: "."))
                dripsLeft -= 1
                if dripsLeft == 0 { return finish(answer) }
            }
            if case .drip(_, let every) = answer.body {
                answerAt = now + every.nanoseconds
                core.loop.wake(self, at: answerAt)
            }
        } else if answer.ending != .keepsOpen {
            if answer.ending == .resets { SocketOption.resetOnClose(descriptor) }
            close()
        }
    }

    private func begin(_ answer: EventSink.Answer, _ status: Int) {
        if case .drip(let bytes, _) = answer.body { dripsLeft = bytes }
        var lines = ["HTTP/1.1 \(status) Status", "Content-Length: \(dripsLeft)"] + answer.headers
        if core.takesBatches { lines.append("Accept-Post: application/x-ndjson") }
        output.append(contentsOf: (lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
        let request = request
        core.state.withLock { state in
            state.received[request].status = status
            guard 200..<300 ~= status else { return }
            let body = state.received[request].body
            let lines = body.withUnsafeBytes { bytes in
                var count = 0
                var offset = 0
                while let base = bytes.baseAddress, offset < bytes.count,
                    let newline = memchr(base + offset, 10, bytes.count - offset)
                {
                    count += 1
                    offset = base.distance(to: UnsafeRawPointer(newline)) + 1
                }
                return offset < bytes.count ? count + 1 : count
            }
            state.taken += lines
        }
    }

    private func finish(_ answer: EventSink.Answer) {
        self.answer = nil
        guard answer.ending != .keepsOpen else { return }
        flush()
        if answer.ending == .resets { SocketOption.resetOnClose(descriptor) }
        close()
    }

    private func flush() {
        guard !isClosed else { return }
        while isWritable, !output.isEmpty {
            let sent = output.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, SocketOption.quiet) }
            if sent < 0 {
                if errno == EINTR { continue }
                isWritable = false
                if errno != EAGAIN { close() }
                return
            }
            output.removeFirst(sent)
        }
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        core.loop.close(descriptor, token: token)
        core.ended(number)
    }
}
