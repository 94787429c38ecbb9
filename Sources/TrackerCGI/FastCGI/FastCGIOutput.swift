import TrackerCore

/// What waits to be sent on a connection. Answers leave at once as long as the web server takes them; what it does
/// not take is kept here, so that no thread has to wait for it.
struct FastCGIOutput: Sendable {
    /// Told whether everything was sent, and whether it may block the calling thread.
    typealias Completion = @Sendable (_ isSent: Bool, _ mayBlock: Bool) -> Void

    private var chunks: [[UInt8]] = []
    private var firstOffset = 0
    /// Bytes that wait.
    private(set) var pendingBytes = 0
    /// Bytes that were sent, ever, and what shall happen once a count is reached.
    private var sentBytes: UInt64 = 0
    private var completions: [(at: UInt64, action: Completion)] = []
    /// Asynchronous writers that wait for room.
    private var writers: [CheckedContinuation<Void, Never>] = []
    /// How long the web server has left things lying.
    private var patience = FastCGIPatience()

    /// Above this, whoever writes a stream waits.
    static let highWater = 256 << 10
    /// Below this, writers go on.
    static let lowWater = 64 << 10

    /// Sends bytes, or keeps what cannot be sent now.
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
            patience = FastCGIPatience(now: SystemClock.milliseconds())
        }
        chunks.append(Array(rest))
        pendingBytes += rest.count
        return true
    }

    /// Sends what waits, as far as that goes.
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

    /// The web server has taken next to nothing for so long.
    func isStalled(_ milliseconds: Int, now: Int) -> Bool {
        pendingBytes > 0 && patience.isOver(milliseconds, now: now)
    }

    /// Lets an asynchronous writer wait for room.
    mutating func wait(_ writer: CheckedContinuation<Void, Never>) { writers.append(writer) }

    mutating func takeWriters() -> [CheckedContinuation<Void, Never>] {
        if writers.isEmpty { return [] }
        defer { writers = [] }
        return writers
    }

    /// Calls an action, through `takeCompletions`, once everything that was written so far is sent.
    mutating func whenSent(_ action: @escaping Completion) {
        completions.append((sentBytes &+ UInt64(pendingBytes), action))
    }

    /// The actions whose time has come.
    mutating func takeCompletions() -> [Completion] {
        if completions.isEmpty { return [] }
        let due = completions.prefix { $0.at <= sentBytes }.map(\.action)
        completions.removeFirst(due.count)
        return due
    }

    /// Gives everything up.
    ///
    /// - Returns: the actions that still waited; the answers they wait for will never be there in full.
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
