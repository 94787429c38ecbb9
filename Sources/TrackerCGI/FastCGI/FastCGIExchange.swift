import TrackerCore

/// A handler's side of a request: reads its body and writes its response.
struct FastCGIExchange: Sendable {
    let connection: FastCGIConnection
    let id: UInt16
    let serial: UInt64

    // MARK: Body

    /// Lets the handler read the body as it arrives.
    func attachBody(to ready: FastCGIReadyRequest) {
        let maximum = ready.plan.maximumBodyBytes
        let stream = CGIBodyStream(
            announcedBytes: ready.announcedBytes, maximumBytes: maximum,
            read: { try read(upTo: $0) }, asyncRead: { try await readAsynchronously(upTo: $0) })
        ready.request.setBody(
            .stream(stream, maximumBytes: min(maximum, ready.plan.app.configuration.maximumBodyBytes)))
    }

    /// Reads the next piece of the body; blocks the thread.
    func read(upTo maximum: Int) throws -> [UInt8] {
        while true {
            let reading = connection.lock.wait { state -> FastCGIMultiplexer.Reading? in
                if state.isClosed { return .failed(.aborted) }
                let reading = state.multiplexer.read(serial, upTo: maximum, now: SystemClock.milliseconds())
                if case .wait = reading { return nil }
                return reading
            }
            if let piece = try take(reading ?? .wait) { return piece }
        }
    }

    /// Reads the next piece of the body, without blocking the thread.
    func readAsynchronously(upTo maximum: Int) async throws -> [UInt8] {
        while true {
            let reading = connection.lock.withLock { state -> FastCGIMultiplexer.Reading in
                if state.isClosed { return .failed(.aborted) }
                return state.multiplexer.read(serial, upTo: maximum, now: SystemClock.milliseconds())
            }
            if let piece = try take(reading) { return piece }
            await withCheckedContinuation { continuation in
                let isWaiting = connection.lock.withLock { state in
                    guard !state.isClosed, state.readers[serial] == nil,
                        case .wait = state.multiplexer.read(serial, upTo: 0, now: SystemClock.milliseconds())
                    else { return false }
                    state.readers[serial] = continuation
                    return true
                }
                if !isWaiting { continuation.resume() }
            }
        }
    }

    private func take(_ reading: FastCGIMultiplexer.Reading) throws -> [UInt8]? {
        switch reading {
        case .bytes(let piece, let resumes):
            if resumes { connection.watch() }
            return piece
        case .failed(let error): throw error
        case .wait: return nil
        }
    }

    // MARK: Response

    /// Sends a piece of the response; blocks the thread while too much output is pending.
    func write(_ records: [UInt8]) throws {
        guard let pending = records.withUnsafeBytes({ connection.send($0, serial: serial) }) else {
            throw CGIRequestError.aborted
        }
        guard pending > FastCGIOutput.highWater else { return }
        while true {
            let isOpen = connection.lock.wait { state -> Bool? in
                if state.isClosed { return false }
                return state.output.pendingBytes < FastCGIOutput.lowWater ? true : nil
            }
            if isOpen == true { return }
            if isOpen == false { throw CGIRequestError.aborted }
        }
    }

    /// Sends a piece of the response, without blocking the thread.
    func writeAsynchronously(_ records: [UInt8]) async throws {
        guard let pending = records.withUnsafeBytes({ connection.send($0, serial: serial) }) else {
            throw CGIRequestError.aborted
        }
        guard pending > FastCGIOutput.highWater else { return }
        await withCheckedContinuation { continuation in
            let isWaiting = connection.lock.withLock { state in
                if state.isClosed || state.output.pendingBytes < FastCGIOutput.lowWater { return false }
                state.output.wait(continuation)
                return true
            }
            if !isWaiting { continuation.resume() }
        }
    }

    /// Sends the last records of the response.
    ///
    /// - Parameters:
    ///   - mayBlock: whether `onSent` may block this thread.
    ///   - onSent: told whether the web server took all of them; may be called later on another thread.
    func end(_ records: UnsafeRawBufferPointer, mayBlock: Bool, onSent: @escaping FastCGIOutput.Completion) {
        _ = connection.send(records, serial: serial, mayBlock: mayBlock, onSent: onSent)
    }

    /// Ends a response that was cut short, so that the client can tell.
    func breakOff() { connection.breakOff(serial: serial) }

    /// Cancels the handler's task if the web server aborts the request.
    func onAbort(_ cancel: @escaping @Sendable () -> Void) {
        let isGone = connection.lock.withLock { state in
            guard state.multiplexer.index(ofSerial: serial) != nil else { return true }
            state.cancellations[serial] = cancel
            return false
        }
        if isGone { cancel() }
    }
}
