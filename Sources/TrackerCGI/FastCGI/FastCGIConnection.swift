import TrackerCore

/// A connection from a web server: moves bytes between the socket and the multiplexer, starts requests, and sends
/// responses.
///
/// Thread-safe. One thread at a time reads from the socket (`isReading`); everything else happens under the lock, which
/// is never held while app code runs or a thread waits. Sending under the lock is safe because sends never block, and
/// necessary because records must go out whole.
final class FastCGIConnection: Sendable {
    let descriptor: Descriptor
    let token: UInt64
    let server: FastCGIServer
    let lock: ThreadLock<FastCGIConnectionState>

    init(_ descriptor: Descriptor, token: UInt64, server: FastCGIServer) {
        self.descriptor = descriptor
        self.token = token
        self.server = server
        lock = ThreadLock(FastCGIConnectionState(now: SystemClock.milliseconds()))
    }

    // MARK: Reading

    /// Handles a poller event.
    func handle(_ event: Poller.Event, on worker: Worker) {
        if event.isWritable { flush() }
        guard event.isReadable || event.isHangup, takeReaderRole(isHangup: event.isHangup) else { return }
        let ready = read(worker.input)
        server.run(ready, of: self, on: worker)
    }

    /// Reads at once, without waiting for an event: a new connection often brings its first request with it.
    func handleNew(on worker: Worker) {
        guard takeReaderRole(isHangup: false) else { return }
        let ready = read(worker.input)
        server.run(ready, of: self, on: worker)
    }

    /// Claims the reader role; false if another thread is reading, which then reads once more.
    private func takeReaderRole(isHangup: Bool) -> Bool {
        lock.withLock { state in
            if isHangup { state.hasHungUp = true }
            if state.isClosed || state.multiplexer.isInputAtEnd { return false }
            if state.isReading {
                state.readsAgain = true
                return false
            }
            if state.multiplexer.isPaused { return false }
            state.isReading = true
            return true
        }
    }

    /// Reads until the socket is empty, then releases the reader role.
    ///
    /// A short read means that the socket is empty: later bytes cause a new event. Only the end of the stream can
    /// follow a short read without one, so after a hangup it reads on until it finds that end.
    private func read(_ buffer: UnsafeMutableRawBufferPointer) -> [FastCGIReadyRequest] {
        var ready: [FastCGIReadyRequest] = []
        while true {
            let transfer = descriptor.receive(into: buffer)
            let goesOn = take(transfer, buffer, &ready)
            if !goesOn { return ready }
        }
    }

    private func take(
        _ transfer: Descriptor.Transfer, _ buffer: UnsafeMutableRawBufferPointer,
        _ ready: inout [FastCGIReadyRequest]
    ) -> Bool {
        var outcome = FastCGIOutcome()
        let context = server.context()
        let goesOn = lock.withLock { state in
            var goesOn = state.readsAgain
            switch transfer {
            case .bytes(let count):
                // A request that began now would belong to no connection, and its slot would never become free.
                if state.lingerDeadline == nil, !state.isClosed {
                    state.multiplexer.ingest(
                        UnsafeRawBufferPointer(rebasing: buffer[..<count]), context, &outcome)
                }
                goesOn = goesOn || count == buffer.count || state.hasHungUp
                if state.multiplexer.isPaused || state.isClosed { goesOn = false }
            case .wouldBlock: break
            case .end, .failed:
                state.multiplexer.endInput(isGone: transfer != .end || descriptor.isPeerGone, &outcome)
                if state.multiplexer.requests.isEmpty { outcome.closes = true }
                goesOn = false
            }
            if goesOn { state.readsAgain = false } else { state.isReading = false }
            return goesOn
        }
        ready += outcome.ready
        act(on: outcome)
        return goesOn
    }

    /// Carries out what the multiplexer asked for, except running requests.
    private func act(on outcome: FastCGIOutcome) {
        for complaint in outcome.complaints { server.log.write(complaint.kind, complaint.text) }
        for _ in 0..<outcome.dropped { server.requestIsDone() }
        if !outcome.readable.isEmpty || !outcome.cancelled.isEmpty {
            let (readers, cancellations) = lock.withLock { state in
                (state.takeReaders(outcome.readable), state.takeCancellations(outcome.cancelled))
            }
            lock.signal()
            for cancel in cancellations { cancel() }
            for reader in readers { reader.resume() }
        }
        if outcome.isViolation {
            close()
        } else if !outcome.replies.bytes.isEmpty {
            let isSound = lock.withLock { state in
                if state.isClosed { return true }
                let isSound = outcome.replies.bytes.withUnsafeBytes { state.output.write($0, to: descriptor) }
                if outcome.closes { state.closesAfterOutput = true }
                return isSound
            }
            afterWrite(isSound: isSound)
        } else if outcome.closes {
            lock.withLock { $0.closesAfterOutput = true }
            afterWrite(isSound: true)
        }
    }

    // MARK: Writing

    /// Rearms the poller for what this connection waits for. Events that are already pending are reported too.
    func watch() {
        // Under the lock, so that an interest that is out of date can't replace a newer one.
        lock.withLock { state in
            guard !state.isClosed else { return }
            server.watch(self, state.output.pendingBytes > 0 ? [.read, .write, .edge] : [.read, .edge])
        }
    }

    /// Sends records of a request.
    ///
    /// - Parameters:
    ///   - mayBlock: whether the calling thread may block.
    ///   - onSent: called once the records are sent; the request ends with them.
    /// - Returns: the bytes still pending on this connection; nil if the request no longer exists.
    func send(
        _ records: UnsafeRawBufferPointer, serial: UInt64, mayBlock: Bool = false,
        onSent: FastCGIOutput.Completion? = nil
    ) -> Int? {
        var isSound = true
        var resumes = false
        let pending: Int? = lock.withLock { state in
            guard !state.isClosed, state.multiplexer.index(ofSerial: serial) != nil else { return nil }
            isSound = state.output.write(records, to: descriptor)
            if let onSent {
                if isSound { state.output.whenSent(onSent) }
                resumes = state.end(serial, isStopping: server.isStopping)
            }
            return state.output.pendingBytes
        }
        if resumes { watch() }
        guard let pending else {
            onSent?(false, mayBlock)
            return nil
        }
        if !isSound { onSent?(false, mayBlock) }
        afterWrite(isSound: isSound, mayBlock: mayBlock)
        return pending
    }

    /// Ends a request without END_REQUEST, and closes the connection once its other requests are answered.
    func breakOff(serial: UInt64) {
        let resumes = lock.withLock { state in
            guard !state.isClosed, state.multiplexer.index(ofSerial: serial) != nil else { return false }
            state.abruptEnd = AbruptEnd()
            state.closesAfterOutput = true
            return state.end(serial, isStopping: server.isStopping)
        }
        if resumes { watch() }
        afterWrite(isSound: true)
    }

    /// Sends pending output.
    private func flush() {
        afterWrite(isSound: lock.withLock { $0.output.flush(to: descriptor) })
    }

    private func afterWrite(isSound: Bool, mayBlock: Bool = false) {
        if !isSound {
            close()
            return
        }
        let written = lock.withLock { $0.afterWrite(to: descriptor, now: SystemClock.milliseconds()) }
        if written.isPending { watch() }
        if written.closes { close() }
        if written.needsTimer { closeLater() }
        for completion in written.completions { completion(true, mayBlock) }
        for waiter in written.waiters { waiter.resume() }
        // Wake handlers that block their own threads.
        if written.hasRoom { lock.signal() }
    }

    /// Closes later. If all of Swift's threads are blocked, the sweep does it.
    private func closeLater() {
        Task {
            try? await Task.sleep(for: AbruptEnd.interval)
            lock.withLock { $0.abruptEnd?.hasTimer = false }
            afterWrite(isSound: true)
        }
    }

    // MARK: Closing

    /// Closes at once. Unsent output is lost; everything that waits on the connection is resumed.
    func close() {
        var outcome = FastCGIOutcome()
        var completions: [FastCGIOutput.Completion] = []
        var writers: [CheckedContinuation<Void, Never>] = []
        var readers: [CheckedContinuation<Void, Never>] = []
        let isFirst = lock.withLock { state in
            if state.isClosed { return false }
            state.isClosed = true
            readers = state.takeAllReaders()
            state.multiplexer.endInput(isGone: true, &outcome)
            completions = state.output.discard()
            writers = state.output.takeWriters()
            return true
        }
        guard isFirst else { return }
        outcome.closes = false
        outcome.replies.reset()
        server.forget(self)
        descriptor.shutDown()
        lock.signal()
        let ready = outcome.ready
        act(on: outcome)
        for completion in completions { completion(false, false) }
        for writer in writers + readers { writer.resume() }
        server.run(ready, of: self, on: nil)
    }

    /// Enforces the time limits; called about once a second.
    func checkTimes() {
        var outcome = FastCGIOutcome()
        let context = server.context()
        let (isOver, endsAbruptly) = lock.withLock { state in
            state.multiplexer.checkTimes(context, &outcome)
            let limit = context.limits.sendTimeout.boundedMilliseconds
            let isOver =
                state.lingerDeadline.map { context.now > $0 } ?? false
                || state.output.isStalled(limit, now: context.now)
            return (isOver, state.abruptEnd != nil)
        }
        let ready = outcome.ready
        act(on: outcome)
        if isOver { close() } else if endsAbruptly { afterWrite(isSound: true) }
        server.run(ready, of: self, on: nil)
    }

    var priority: (priority: EvictionPriority, lastActivity: Int) {
        lock.withLock { ($0.priority, $0.multiplexer.lastActivity) }
    }
}
