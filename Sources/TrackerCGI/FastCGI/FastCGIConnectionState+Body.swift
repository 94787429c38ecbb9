/// From the end of a request's variables to the end of its body.
extension FastCGIConnectionState {
    mutating func endParams(_ index: Int, _ context: FastCGIContext, _ outcome: inout Outcome) {
        guard case .params = requests[index].phase else { return }
        guard let variables = FastCGINameValues.decode(requests[index].params) else {
            refuse(index, status: 400, "a length among its variables points past their end", &outcome)
            return
        }
        requests[index].params = []
        let request = CGIRequest(
            variables: variables, content: .collected([]), mountPath: context.app.configuration.mountPath)
        let plan = RequestPlan(request, context.app)
        let maximum = plan.maximumBodyBytes
        requests[index].maximumBodyBytes = maximum
        requests[index].phase = .collecting(request, plan)
        switch request.announcedLength {
        case .absent: break
        case .invalid:
            fail(index, .invalidContentLength, &outcome)
            return
        case .bytes(let count):
            requests[index].announcedBytes = count
            if count > maximum {
                fail(index, .bodyTooLarge(maximumBytes: maximum), &outcome)
                return
            }
        }
        if case .streamed = plan.bodyPolicy {
            let exchange = FastCGIExchange(
                connection: context.connection, id: requests[index].id, serial: requests[index].serial)
            let stream = CGIBodyStream(
                announcedBytes: requests[index].announcedBytes, maximumBytes: maximum,
                read: { try exchange.read(upTo: $0) }, asyncRead: { try await exchange.readAsynchronously(upTo: $0) })
            request.setBody(.stream(stream, maximumBytes: min(maximum, context.app.configuration.maximumBodyBytes)))
            start(index, isStreaming: true, &outcome)
        } else if requests[index].hasWholeBody {
            endBody(index, &outcome)
        }
    }

    mutating func takeBody(_ piece: UnsafeRawBufferPointer, of index: Int, _ outcome: inout Outcome) {
        if requests[index].hasWholeBody { return }
        switch requests[index].phase {
        case .params:
            // No server sends a body first, but the records of two streams may come in any order.
            if requests[index].body.count + piece.count > Self.maximumBufferedBody {
                refuse(index, status: 400, "its body came before its variables", &outcome)
                return
            }
            requests[index].body.append(piece)
        case .collecting:
            let (total, overflows) = requests[index].body.count.addingReportingOverflow(piece.count)
            if let announced = requests[index].announcedBytes {
                // What goes beyond the announced length is not part of the body (RFC 3875, section 4.2).
                let room = max(0, announced - requests[index].body.count)
                requests[index].body.append(UnsafeRawBufferPointer(rebasing: piece.prefix(room)))
            } else if overflows || total > requests[index].maximumBodyBytes {
                fail(index, .bodyTooLarge(maximumBytes: requests[index].maximumBodyBytes), &outcome)
            } else {
                requests[index].body.append(piece)
            }
        case .running(_, let isStreaming):
            guard isStreaming else { return }
            requests[index].body.append(piece)
            if requests[index].body.count >= Self.maximumBufferedBody { isPaused = true }
            wakeReader(index, &outcome)
        }
    }

    mutating func endBody(_ index: Int, _ outcome: inout Outcome) {
        requests[index].hasWholeBody = true
        switch requests[index].phase {
        case .params: break
        case .collecting(let request, _):
            if let announced = requests[index].announcedBytes, requests[index].body.count < announced {
                fail(index, .bodyTooShort, &outcome)
                return
            }
            request.setBody(.collected(requests[index].body.takeAll()))
            start(index, isStreaming: false, &outcome)
        case .running: wakeReader(index, &outcome)
        }
    }

    /// Hands a request to its handlers with an error instead of a body.
    mutating func fail(_ index: Int, _ error: CGIRequestError, _ outcome: inout Outcome) {
        if case .collecting(let request, _) = requests[index].phase { request.setBody(.failed(error)) }
        requests[index].body = ByteQueue()
        start(index, isStreaming: false, &outcome)
    }

    private mutating func start(_ index: Int, isStreaming: Bool, _ outcome: inout Outcome) {
        guard case .collecting(let request, let plan) = requests[index].phase else { return }
        requests[index].phase = .running(request, isStreaming: isStreaming)
        outcome.ready.append(
            Ready(id: requests[index].id, serial: requests[index].serial, request: request, plan: plan))
    }

    private mutating func wakeReader(_ index: Int, _ outcome: inout Outcome) {
        if let reader = requests[index].reader {
            requests[index].reader = nil
            outcome.readers.append(reader)
        }
    }

    /// ABORT_REQUEST (section 5.4): one END_REQUEST, and nothing after it.
    mutating func abort(_ index: Int, _ outcome: inout Outcome) {
        outcome.replies.appendEndRequest(id: requests[index].id, .requestComplete)
        if !requests[index].hasWholeBody { owesInput = true }
        if !requests[index].keepsConnection { outcome.closes = true }
        giveUp(index, &outcome)
    }

    /// Forgets a request. Its handler, if it has begun, learns of it; its signals fire in any case.
    mutating func giveUp(_ index: Int, _ outcome: inout Outcome) {
        wakeReader(index, &outcome)
        switch requests[index].phase {
        case .params: outcome.dropped += 1
        case .collecting(let request, _):
            request.markAborted()
            fail(index, .aborted, &outcome)
        case .running(let request, _): request.markAborted()
        }
        if let cancel = requests[index].cancel { outcome.cancellations.append(cancel) }
        requests.remove(at: index)
        currentIndexIsGone()
    }

    /// The web server sends no more, or is gone.
    ///
    /// - Parameter isGone: it does not read any more either. Otherwise requests that have arrived are still answered.
    mutating func endInput(isGone: Bool, _ outcome: inout Outcome) {
        isInputAtEnd = true
        for index in requests.indices.reversed() {
            if !isGone, requests[index].hasWholeBody, case .running = requests[index].phase { continue }
            giveUp(index, &outcome)
        }
    }

    /// Time limits of what has to arrive.
    mutating func checkTimes(_ context: FastCGIContext, _ outcome: inout Outcome) {
        let headerLimit = context.limits.headerTimeout.boundedMilliseconds
        let bodyLimit = context.limits.bodyTimeout.boundedMilliseconds
        if requests.isEmpty, !parser.isAtBoundary, context.now - lastActivity > headerLimit {
            outcome.complain("header time", "a web server did not finish a record within \(headerLimit) ms")
            outcome.isViolation = true
        }
        for index in requests.indices.reversed() {
            switch requests[index].phase {
            case .params:
                if context.now - requests[index].began > headerLimit {
                    refuse(index, status: 408, "its variables did not arrive within \(headerLimit) ms", &outcome)
                    outcome.closes = true
                }
            case .collecting:
                if context.now - requests[index].lastInput > bodyLimit {
                    outcome.complain("body time", "a request was given up: its body stalled for \(bodyLimit) ms")
                    fail(index, .timedOut, &outcome)
                }
            case .running:
                if requests[index].reader != nil, context.now - requests[index].lastInput > bodyLimit {
                    requests[index].bodyFailure = .timedOut
                    wakeReader(index, &outcome)
                }
            }
        }
    }
}
