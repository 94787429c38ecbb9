import TrackerCore

/// Sending, and the end of a connection.
extension FastCGIConnection {
    /// Asks the poller for what this connection waits for; also for what has happened already.
    func watch() {
        let interest: Poller.Interest = lock.withLock { state in
            state.output.pendingBytes > 0 ? [.read, .write, .edge] : [.read, .edge]
        }
        server.watch(self, interest)
    }

    /// Sends records that belong to no handler.
    func send(_ records: [UInt8], thenClose: Bool) {
        let isSound = lock.withLock { state in
            if state.isClosed { return true }
            let isSound = records.withUnsafeBytes { state.output.write($0, to: descriptor) }
            if thenClose { state.closesAfterOutput = true }
            return isSound
        }
        afterWrite(isSound: isSound)
    }

    /// Sends records of a request.
    ///
    /// - Parameter onSent: what to do once they are sent; the request ends with them.
    /// - Returns: the bytes that wait to be sent on this connection; nil if the request is no more.
    func send(
        _ records: UnsafeRawBufferPointer, serial: UInt64, onSent: (@Sendable () -> Void)? = nil
    ) -> Int? {
        var isSound = true
        var wasPaused = false
        let pending: Int? = lock.withLock { state in
            guard !state.isClosed, let index = state.index(ofSerial: serial) else { return nil }
            isSound = state.output.write(records, to: descriptor)
            if let onSent {
                let request = state.requests.remove(at: index)
                state.currentIndexIsGone()
                state.output.whenSent(onSent)
                if !request.keepsConnection || state.isInputAtEnd || server.isStopping {
                    state.closesAfterOutput = true
                }
                if !request.hasWholeBody { state.owesInput = true }
                if state.isPaused {
                    state.isPaused = false
                    wasPaused = true
                }
            }
            return state.output.pendingBytes
        }
        if wasPaused { watch() }
        if pending == nil {
            onSent?()
            return nil
        }
        afterWrite(isSound: isSound)
        return pending
    }

    /// Sends what waits.
    func flush() {
        afterWrite(isSound: lock.withLock { $0.output.flush(to: descriptor) })
    }

    private func afterWrite(isSound: Bool) {
        if !isSound {
            close()
            return
        }
        var completions: [@Sendable () -> Void] = []
        var writers: [CheckedContinuation<Void, Never>] = []
        var isPending = false
        var closesNow = false
        lock.withLock { state in
            completions = state.output.takeCompletions()
            isPending = state.output.pendingBytes > 0
            if state.output.pendingBytes < FastCGIOutput.lowWater {
                writers = state.output.writers
                state.output.writers = []
            }
            closesNow =
                state.closesAfterOutput && !isPending && state.requests.isEmpty && state.lingerDeadline == nil
                && !state.isClosed
            if closesNow, !state.isInputAtEnd, state.owesInput || !state.parser.isAtBoundary {
                // Whatever is still on its way would turn the close into a reset, and the reset eats the answer.
                state.lingerDeadline = Clock.milliseconds + 2000
                closesNow = false
                descriptor.shutDownWriting()
            }
        }
        if isPending { watch() }
        if closesNow { close() }
        for completion in completions { completion() }
        for writer in writers { writer.resume() }
    }

    /// Closes once everything is sent and every request has its answer.
    func closeWhenSent() {
        let isEmpty = lock.withLock { state in
            state.closesAfterOutput = true
            return state.requests.isEmpty && state.output.pendingBytes == 0
        }
        if isEmpty { close() }
    }

    /// Closes now; what was not sent is lost, who waits is told.
    func close() {
        var outcome = FastCGIConnectionState.Outcome()
        var completions: [@Sendable () -> Void] = []
        var writers: [CheckedContinuation<Void, Never>] = []
        let isFirst = lock.withLock { state in
            if state.isClosed { return false }
            state.isClosed = true
            state.endInput(isGone: true, &outcome)
            completions = state.output.discard()
            writers = state.output.writers
            state.output.writers = []
            return true
        }
        guard isFirst else { return }
        outcome.closes = false
        outcome.replies.reset()
        server.forget(self)
        descriptor.shutDown()
        lock.broadcast()
        let ready = outcome.ready
        act(on: outcome)
        for completion in completions { completion() }
        for writer in writers { writer.resume() }
        server.run(ready, of: self, on: nil)
    }

    /// Closes if no request is in work.
    func closeIfIdle() -> Bool {
        let isIdle = lock.withLock { state in
            state.requests.isEmpty && state.output.pendingBytes == 0 && state.parser.isAtBoundary && !state.isReading
        }
        if isIdle { close() }
        return isIdle
    }

    var lastActivity: Int { lock.withLock { $0.lastActivity } }
}
