import TrackerCore

/// The state of a connection, guarded by its lock.
struct FastCGIConnectionState: Sendable {
    var multiplexer: FastCGIMultiplexer
    var output = FastCGIOutput()
    /// Whether a thread is reading from the socket. Any other thread that learns of more input sets `readsAgain`.
    var isReading = false
    var readsAgain = false
    /// Whether the web server has ended its side. This is reported once, possibly to a thread that is not the reader.
    var hasHungUp = false
    var isClosed = false
    /// Whether to close once all output is sent.
    var closesAfterOutput = false
    /// Set once a response was cut short: the web server must not take it for complete.
    var abruptEnd: AbruptEnd?
    /// Set while lingering: all output is sent, and further input is discarded until the web server closes.
    var lingerDeadline: Int?
    /// Asynchronous handlers waiting for more of their bodies, by request.
    var readers: [UInt64: CheckedContinuation<Void, Never>] = [:]
    /// Readers whose request has ended, to be resumed after the lock is released.
    private var abandonedReaders: [CheckedContinuation<Void, Never>] = []
    /// Cancels the tasks of asynchronous handlers, by request.
    var cancellations: [UInt64: @Sendable () -> Void] = [:]

    private static let lingerMilliseconds = 2000

    init(now: Int) {
        multiplexer = FastCGIMultiplexer(now: now)
    }

    mutating func takeReaders(_ serials: [UInt64]) -> [CheckedContinuation<Void, Never>] {
        if readers.isEmpty { return [] }
        return serials.compactMap { readers.removeValue(forKey: $0) }
    }

    mutating func takeAllReaders() -> [CheckedContinuation<Void, Never>] {
        defer { (readers, abandonedReaders) = ([:], []) }
        return abandonedReaders + readers.values
    }

    mutating func takeCancellations(_ serials: [UInt64]) -> [@Sendable () -> Void] {
        if cancellations.isEmpty { return [] }
        return serials.compactMap { cancellations.removeValue(forKey: $0) }
    }

    /// Ends a request.
    ///
    /// - Returns: whether reading from the socket may resume.
    mutating func end(_ serial: UInt64, isStopping: Bool) -> Bool {
        cancellations[serial] = nil
        if let reader = readers.removeValue(forKey: serial) { abandonedReaders.append(reader) }
        guard let end = multiplexer.end(serial, now: SystemClock.milliseconds()) else { return false }
        if !end.keepsConnection || isStopping { closesAfterOutput = true }
        return end.resumes
    }

    // MARK: After output

    /// What to do after a write, once the lock is released.
    struct Written {
        var completions: [FastCGIOutput.Completion]
        /// Handlers that may continue: writers for which there is room, and readers whose request has ended.
        var waiters: [CheckedContinuation<Void, Never>]
        /// Whether output is still pending.
        var isPending: Bool
        /// Whether waiting writers may continue.
        var hasRoom: Bool
        var closes: Bool
        /// Whether to call `afterWrite` again after `AbruptEnd.interval`, because nothing else will.
        var needsTimer: Bool
    }

    mutating func afterWrite(to descriptor: Descriptor, now: Int) -> Written {
        let isPending = output.pendingBytes > 0
        let hasRoom = output.pendingBytes < FastCGIOutput.lowWater
        var closes =
            closesAfterOutput && !isPending && multiplexer.requests.isEmpty && !isClosed
            && (lingerDeadline == nil || multiplexer.isInputAtEnd)
        let written = (completions: output.takeCompletions(), writers: hasRoom ? output.takeWriters() : [])
        var needsTimer = false
        if closes, var end = abruptEnd {
            if multiplexer.isInputAtEnd || end.isOver(now: now, hasUnread: descriptor.hasUnreadOutput) {
                // Some servers take a plain close for the end of the response; none can continue after this record.
                FastCGIRecordEncoder.brokenRecord.withUnsafeBytes { _ = output.write($0, to: descriptor) }
            } else {
                closes = false
                needsTimer = !end.hasTimer
                end.hasTimer = true
            }
            abruptEnd = end
        } else if closes, !multiplexer.isInputAtEnd, multiplexer.owesInput || !multiplexer.isAtBoundary {
            // Closing while input is in flight would cause a reset, and the reset would discard the response.
            lingerDeadline = now + Self.lingerMilliseconds
            closes = false
            descriptor.shutDownWriting()
        }
        defer { abandonedReaders = [] }
        return Written(
            completions: written.completions, waiters: written.writers + abandonedReaders, isPending: isPending,
            hasRoom: hasRoom,
            closes: closes, needsTimer: needsTimer)
    }

    var priority: EvictionPriority {
        if isReading || output.pendingBytes > 0 || abruptEnd != nil || !multiplexer.isUnfinished { return .busy }
        return multiplexer.isIdle ? .idle : .unfinished
    }
}

/// The pause between a response that was cut short and the end of its connection.
///
/// lighttpd 1.4 drains the socket before it responds. If it finds the end of the connection there, it may send a
/// `Content-Length` for what it has, and the client takes a truncated response for a complete one.
struct AbruptEnd: Sendable {
    /// The interval between checks.
    static let interval = Duration.milliseconds(50)
    private static let longest = 2000
    /// Milliseconds from the moment when the web server has read everything.
    private static let shortest = 100

    private var began: Int?
    private var readSince: Int?
    /// Whether a timer will check again.
    var hasTimer = false

    /// Begins the pause at the first call, and returns whether it is over.
    mutating func isOver(now: Int, hasUnread: Bool) -> Bool {
        let began = began ?? now
        let readSince = hasUnread ? now : readSince ?? now
        (self.began, self.readSince) = (began, readSince)
        return now - readSince >= Self.shortest || now - began >= Self.longest
    }
}
