import TrackerCore

/// What a connection keeps under its lock.
struct FastCGIConnectionState: Sendable {
    var multiplexer: FastCGIMultiplexer
    var output = FastCGIOutput()
    /// Somebody is reading from the socket. Whoever else learns that there is more sets `readsAgain`.
    var isReading = false
    var readsAgain = false
    var isClosed = false
    /// Close once everything is sent.
    var closesAfterOutput = false
    /// An answer broke off: the web server must not take it for complete.
    var endsAbruptly = false
    /// All is sent and said; what still arrives is read and forgotten until the web server closes.
    var lingerDeadline: Int?
    /// Asynchronous handlers that wait for more of their bodies, by request.
    var readers: [UInt64: CheckedContinuation<Void, Never>] = [:]
    /// What cancels the tasks of asynchronous handlers, by request.
    var cancellations: [UInt64: @Sendable () -> Void] = [:]

    private static let lingerMilliseconds = 2000

    init(now: Int) {
        multiplexer = FastCGIMultiplexer(now: now)
    }

    mutating func takeReaders(_ serials: [UInt64]) -> [CheckedContinuation<Void, Never>] {
        if readers.isEmpty { return [] }
        return serials.compactMap { readers.removeValue(forKey: $0) }
    }

    mutating func takeCancellations(_ serials: [UInt64]) -> [@Sendable () -> Void] {
        if cancellations.isEmpty { return [] }
        return serials.compactMap { cancellations.removeValue(forKey: $0) }
    }

    /// A request has its answer.
    ///
    /// - Returns: whether the socket may be read on.
    mutating func end(_ serial: UInt64, isStopping: Bool) -> Bool {
        cancellations[serial] = nil
        guard let end = multiplexer.end(serial) else { return false }
        if !end.keepsConnection || isStopping { closesAfterOutput = true }
        return end.resumes
    }

    // MARK: After output

    /// What is to be done, without the lock, after something was sent.
    struct Written {
        var completions: [FastCGIOutput.Completion]
        var writers: [CheckedContinuation<Void, Never>]
        /// Not everything went out.
        var isPending: Bool
        /// Those who wait to write may go on.
        var hasRoom: Bool
        var closes: Bool
    }

    mutating func afterWrite(to descriptor: Descriptor, now: Int) -> Written {
        let isPending = output.pendingBytes > 0
        let hasRoom = output.pendingBytes < FastCGIOutput.lowWater
        var closes =
            closesAfterOutput && !isPending && multiplexer.requests.isEmpty && !isClosed
            && (lingerDeadline == nil || multiplexer.isInputAtEnd)
        let written = (completions: output.takeCompletions(), writers: hasRoom ? output.takeWriters() : [])
        if closes, endsAbruptly {
            // Some servers take a mere end for the end of the answer; no server goes on after this.
            FastCGIRecordEncoder.brokenRecord.withUnsafeBytes { _ = output.write($0, to: descriptor) }
        } else if closes, !multiplexer.isInputAtEnd, multiplexer.owesInput || !multiplexer.isAtBoundary {
            // Whatever is still on its way would turn the close into a reset, and the reset eats the answer.
            lingerDeadline = now + Self.lingerMilliseconds
            closes = false
            descriptor.shutDownWriting()
        }
        return Written(
            completions: written.completions, writers: written.writers, isPending: isPending, hasRoom: hasRoom,
            closes: closes)
    }

    var worth: ConnectionWorth {
        if isReading || output.pendingBytes > 0 || !multiplexer.isUnfinished { return .busy }
        return multiplexer.isIdle ? .idle : .unfinished
    }
}
