/// A handler's end of a request: its body comes out here, its answer goes in here.
struct FastCGIExchange: Sendable {
    let connection: FastCGIConnection
    let id: UInt16
    let serial: UInt64

    private enum Turn {
        case bytes([UInt8], resumes: Bool)
        case failed(CGIRequestError)
        /// Nobody reads from the socket: it is ours to do.
        case read
        /// Somebody else reads.
        case wait
    }

    private func turn(upTo maximum: Int, mayRead: Bool, _ state: inout FastCGIConnectionState) -> Turn {
        guard let index = state.index(ofSerial: serial) else { return .failed(.aborted) }
        if !state.requests[index].body.isEmpty {
            let piece = state.requests[index].body.take(upTo: maximum)
            let resumes =
                state.isPaused && state.requests[index].body.count < FastCGIConnectionState.maximumBufferedBody / 2
            if resumes { state.isPaused = false }
            return .bytes(piece, resumes: resumes)
        }
        if let failure = state.requests[index].bodyFailure { return .failed(failure) }
        if state.requests[index].hasWholeBody { return .bytes([], resumes: false) }
        if state.isInputAtEnd || state.isClosed { return .failed(.aborted) }
        if mayRead, !state.isReading {
            state.isReading = true
            return .read
        }
        return .wait
    }

    /// The next piece of the body; blocks the thread. The thread reads the socket itself if nobody else does, so that
    /// handlers which wait for their bodies do not depend on free threads.
    func read(upTo maximum: Int) throws -> [UInt8] {
        let limit = connection.server.limits.bodyTimeout.boundedMilliseconds
        while true {
            switch connection.lock.withLock({ turn(upTo: maximum, mayRead: true, &$0) }) {
            case .bytes(let piece, let resumes):
                if resumes { connection.watch() }
                return piece
            case .failed(let error): throw error
            case .read:
                guard connection.descriptor.wait(toWrite: false, milliseconds: limit) else {
                    connection.leaveReaderRole()
                    throw CGIRequestError.timedOut
                }
                let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 32_768, alignment: 16)
                defer { buffer.deallocate() }
                connection.readForHandler(buffer)
            case .wait:
                let isOver =
                    connection.lock.wait(milliseconds: limit) { state -> Bool? in
                        guard let index = state.index(ofSerial: serial), !state.isInputAtEnd, !state.isClosed else {
                            return false
                        }
                        let request = state.requests[index]
                        return !request.body.isEmpty || request.hasWholeBody || !state.isReading ? false : nil
                    } ?? true
                if isOver { throw CGIRequestError.timedOut }
            }
        }
    }

    /// The next piece of the body, without blocking the thread.
    func readAsynchronously(upTo maximum: Int) async throws -> [UInt8] {
        while true {
            switch connection.lock.withLock({ turn(upTo: maximum, mayRead: false, &$0) }) {
            case .bytes(let piece, let resumes):
                if resumes { connection.watch() }
                return piece
            case .failed(let error): throw error
            case .read, .wait: break
            }
            await withCheckedContinuation { continuation in
                let isWaiting = connection.lock.withLock { state in
                    guard case .wait = turn(upTo: 0, mayRead: false, &state),
                        let index = state.index(ofSerial: serial), state.requests[index].reader == nil
                    else { return false }
                    state.requests[index].reader = continuation
                    return true
                }
                if !isWaiting { continuation.resume() }
            }
        }
    }

    /// Sends a piece of the answer; blocks the thread while too much waits.
    func write(_ records: [UInt8]) throws {
        guard var pending = records.withUnsafeBytes({ connection.send($0, serial: serial) }) else {
            throw CGIRequestError.aborted
        }
        let limit = connection.server.limits.sendTimeout.boundedMilliseconds
        while pending > FastCGIOutput.highWater {
            guard connection.descriptor.wait(toWrite: true, milliseconds: limit) else {
                connection.close()
                throw CGIRequestError.timedOut
            }
            connection.flush()
            pending = connection.lock.withLock { $0.isClosed ? 0 : $0.output.pendingBytes }
        }
    }

    /// Sends a piece of the answer, without blocking the thread.
    func writeAsynchronously(_ records: [UInt8]) async throws {
        guard let pending = records.withUnsafeBytes({ connection.send($0, serial: serial) }) else {
            throw CGIRequestError.aborted
        }
        guard pending > FastCGIOutput.highWater else { return }
        await withCheckedContinuation { continuation in
            let isWaiting = connection.lock.withLock { state in
                if state.isClosed || state.output.pendingBytes < FastCGIOutput.lowWater { return false }
                state.output.writers.append(continuation)
                return true
            }
            if !isWaiting { continuation.resume() }
        }
    }

    /// Sends the last records of the answer.
    func end(_ records: UnsafeRawBufferPointer, onSent: @escaping @Sendable () -> Void) {
        _ = connection.send(records, serial: serial, onSent: onSent)
    }

    /// Cancels the handler's task if the web server gives the request up.
    func onAbort(_ cancel: @escaping @Sendable () -> Void) {
        let isGone = connection.lock.withLock { state in
            guard let index = state.index(ofSerial: serial) else { return true }
            state.requests[index].cancel = cancel
            return false
        }
        if isGone { cancel() }
    }
}
