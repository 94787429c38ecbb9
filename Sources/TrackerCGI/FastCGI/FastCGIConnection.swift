import TrackerCore

/// One connection from a web server: reads records, hands on requests, sends answers.
///
/// Many threads may be at work on it. One at a time reads from the socket (`isReading`); everything else happens under
/// the lock, which is never held while app code runs or a thread waits. Sending under it is safe for that reason: the
/// socket is only ever given what it takes at once, and records of different answers must not mix.
final class FastCGIConnection: Sendable {
    let descriptor: Descriptor
    let token: UInt64
    let server: FastCGIServer
    let lock = ConditionLock(FastCGIConnectionState())

    init(_ descriptor: Descriptor, token: UInt64, server: FastCGIServer) {
        self.descriptor = descriptor
        self.token = token
        self.server = server
    }

    // MARK: Reading

    /// The poller has news of this connection.
    func handle(_ event: Poller.Event, on worker: FastCGIWorker) {
        if event.isWritable { flush() }
        guard event.isReadable || event.isHangup, takeReaderRole() else { return }
        let ready = read(untilEmpty: event.isHangup, worker.input)
        server.run(ready, of: self, on: worker)
    }

    /// Reads without waiting for an event: a new connection often brings its request along.
    func handleNew(on worker: FastCGIWorker) {
        guard takeReaderRole() else { return }
        let ready = read(untilEmpty: false, worker.input)
        server.run(ready, of: self, on: worker)
    }

    /// False if somebody else is reading; they will read once more.
    private func takeReaderRole() -> Bool {
        lock.withLock { state in
            if state.isClosed || state.isInputAtEnd { return false }
            if state.isReading {
                state.readsAgain = true
                return false
            }
            if state.isPaused { return false }
            state.isReading = true
            return true
        }
    }

    /// Reads until the socket is empty, and gives the reader's role back.
    ///
    /// A short read means empty: whatever comes later makes a new event. Only the end of the stream may hide behind
    /// it, which is why a hangup asks for `untilEmpty`.
    private func read(
        untilEmpty: Bool, _ buffer: UnsafeMutableRawBufferPointer
    ) -> [FastCGIConnectionState.Ready] {
        var ready: [FastCGIConnectionState.Ready] = []
        while true {
            let transfer = descriptor.receive(into: buffer)
            let goesOn = take(transfer, buffer, &ready) { state in
                guard case .bytes(let count) = transfer else {
                    if transfer == .wouldBlock, state.readsAgain {
                        state.readsAgain = false
                        return true
                    }
                    return false
                }
                if state.isPaused || state.isClosed { return false }
                if count == buffer.count || untilEmpty || state.readsAgain {
                    state.readsAgain = false
                    return true
                }
                return false
            }
            if !goesOn { return ready }
        }
    }

    /// Reads once, for a handler that waits for its body and holds the reader's role.
    func readForHandler(_ buffer: UnsafeMutableRawBufferPointer) {
        var ready: [FastCGIConnectionState.Ready] = []
        let transfer = descriptor.receive(into: buffer)
        _ = take(transfer, buffer, &ready) { _ in false }
        // There may be more, and its event may be spent: ask for a new one.
        watch()
        server.run(ready, of: self, on: nil)
    }

    /// Gives the reader's role back without having read.
    func leaveReaderRole() {
        lock.withLock { $0.isReading = false }
        lock.broadcast()
        watch()
    }

    private func take(
        _ transfer: Descriptor.Transfer, _ buffer: UnsafeMutableRawBufferPointer,
        _ ready: inout [FastCGIConnectionState.Ready], goesOn: (inout FastCGIConnectionState) -> Bool
    ) -> Bool {
        var outcome = FastCGIConnectionState.Outcome()
        let context = server.context(for: self)
        let goesOn = lock.withLock { state in
            switch transfer {
            case .bytes(let count):
                state.ingest(UnsafeRawBufferPointer(rebasing: buffer[..<count]), context, &outcome)
            case .wouldBlock: break
            case .end, .failed:
                state.endInput(isGone: transfer != .end || descriptor.isPeerGone, &outcome)
                if state.requests.isEmpty { outcome.closes = true }
            }
            let goesOn = goesOn(&state)
            if !goesOn { state.isReading = false }
            return goesOn
        }
        ready += outcome.ready
        act(on: outcome)
        if !goesOn { lock.broadcast() }
        return goesOn
    }

    /// Does what the state machine asked for.
    func act(on outcome: FastCGIConnectionState.Outcome) {
        for complaint in outcome.complaints { server.log.write(complaint.kind, complaint.text) }
        for _ in 0..<outcome.dropped { server.requestIsDone() }
        for cancel in outcome.cancellations { cancel() }
        if outcome.isViolation {
            close()
        } else if !outcome.replies.bytes.isEmpty {
            send(outcome.replies.bytes, thenClose: outcome.closes)
        } else if outcome.closes {
            closeWhenSent()
        }
        for reader in outcome.readers { reader.resume() }
    }

    /// Time limits; called about once a second.
    func checkTimes() {
        var outcome = FastCGIConnectionState.Outcome()
        let context = server.context(for: self)
        let isOver = lock.withLock { state in
            state.checkTimes(context, &outcome)
            if let deadline = state.lingerDeadline, context.now > deadline { return true }
            return state.output.pendingBytes > 0
                && context.now - state.output.lastProgress > context.limits.sendTimeout.boundedMilliseconds
        }
        let ready = outcome.ready
        act(on: outcome)
        if isOver { close() }
        server.run(ready, of: self, on: nil)
    }
}
