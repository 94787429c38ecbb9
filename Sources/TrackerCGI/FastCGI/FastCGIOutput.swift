import TrackerCore

/// Output waiting to be sent on a connection. Responses are sent at once as long as the web server takes them; the rest
/// is buffered here, so that no thread has to wait.
struct FastCGIOutput: Sendable {
    /// Called with whether everything was sent, and whether it may block the calling thread.
    typealias Completion = @Sendable (_ isSent: Bool, _ mayBlock: Bool) -> Void

    private var chunks: [[UInt8]] = []
    private var firstOffset = 0
    /// Bytes waiting to be sent.
    private(set) var pendingBytes = 0
    /// The total of bytes sent, and actions that are due once it reaches a given count.
    private var sentBytes: UInt64 = 0
    private var completions: [(at: UInt64, action: Completion)] = []
    /// Asynchronous writers waiting for room.
    private var writers: [CheckedContinuation<Void, Never>] = []
    /// Measures how long the web server has been taking too little.
    private var patience = ProgressTimeout()

    /// Above this, writers of streams wait.
    static let highWater = 256 << 10
    /// Below this, they continue.
    static let lowWater = 64 << 10

    /// Sends bytes, and buffers what cannot be sent now.
    ///
    /// - Returns: false if the connection is broken.
    mutating func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Descriptor) -> Bool {
        var rest = bytes
        if pendingBytes == 0 {
            while !rest.isEmpty {
                switch descriptor.send(rest) {
                case .bytes(let count):
                    sentBytes &+= UInt64(count)
                    rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                    continue
                case .wouldBlock: break
                case .end, .failed: return false
                }
                break
            }
            if rest.isEmpty { return true }
            patience = ProgressTimeout(now: SystemClock.milliseconds())
        }
        chunks.append(Array(rest))
        pendingBytes += rest.count
        return true
    }

    /// Sends as much pending output as the socket takes.
    ///
    /// - Returns: false if the connection is broken.
    mutating func flush(to descriptor: Descriptor) -> Bool {
        var finished = 0
        defer { chunks.removeFirst(finished) }
        while finished < chunks.count {
            let transfer = chunks[finished].withUnsafeBytes {
                descriptor.send(UnsafeRawBufferPointer(rebasing: $0[firstOffset...]))
            }
            switch transfer {
            case .bytes(let count):
                sentBytes &+= UInt64(count)
                pendingBytes -= count
                firstOffset += count
                patience.moved(count, now: SystemClock.milliseconds())
                if firstOffset == chunks[finished].count {
                    finished += 1
                    firstOffset = 0
                }
            case .wouldBlock: return true
            case .end, .failed: return false
            }
        }
        return true
    }

    /// Returns whether the web server has taken too little output for this long.
    func isStalled(_ milliseconds: Int, now: Int) -> Bool {
        pendingBytes > 0 && patience.hasExpired(milliseconds, now: now)
    }

    /// Adds an asynchronous writer that waits for room.
    mutating func wait(_ writer: CheckedContinuation<Void, Never>) { writers.append(writer) }

    mutating func takeWriters() -> [CheckedContinuation<Void, Never>] {
        if writers.isEmpty { return [] }
        defer { writers = [] }
        return writers
    }

    /// Schedules an action for when everything written so far is sent; `takeCompletions` returns it then.
    mutating func whenSent(_ action: @escaping Completion) {
        completions.append((sentBytes &+ UInt64(pendingBytes), action))
    }

    /// Returns the actions that are due.
    mutating func takeCompletions() -> [Completion] {
        if completions.isEmpty { return [] }
        let due = completions.prefix { $0.at <= sentBytes }.map(\.action)
        completions.removeFirst(due.count)
        return due
    }

    /// Discards all output.
    ///
    /// - Returns: the actions still waiting; their responses will never be complete.
    mutating func discard() -> [Completion] {
        defer {
            chunks = []
            pendingBytes = 0
            firstOffset = 0
            completions = []
        }
        return completions.map(\.action)
    }
}
