import CLibrary
import CPlatform
import DemoServer
import TrackerCore

/// Answers the one request that the environment describes (RFC 3875).
enum CGIRuntime {
    /// Seconds from SIGTERM to the exit; web servers kill a process that takes longer (Apache after 3 s).
    private static let terminationSeconds: Int32 = 2

    static func run(_ app: CGIApp) {
        // A client that is gone is reported as EPIPE instead.
        signal(SIGPIPE, SIG_IGN)
        let termination = try? WakePipe()
        if let termination { _ = cplatform_watch_termination(termination.writeEnd.number, terminationSeconds) }
        let snapshot = app.snapshot
        let request = CGIRequest(
            variables: environment(), content: .collected([]), mountPath: snapshot.configuration.mountPath)
        let plan = RequestPlan(request, snapshot)
        attachBody(to: request, plan, termination)

        let output = CGIOutput(request: request, app: snapshot)
        let response: CGIResponse
        if plan.isAsync {
            response = waitFor {
                let response = await app.respond(to: request, plan, on: app.blockingPool)
                return await output.sendAsynchronously(response)
            }
        } else {
            let answer = app.respondSynchronously(to: request, plan)
            if case .asyncStream = answer.body {
                response = waitFor { await output.sendAsynchronously(answer) }
            } else {
                response = output.send(answer)
            }
        }
        let log = request.takeLog()
        if !log.isEmpty { StandardError.write(String(log.dropLast())) }
        StandardDescriptors.detach()
        app.responseWasSent(request, response)
        app.runShutdownHooks()
    }

    /// Returns the whole environment: CGI has no other way to tell the request's variables from the others.
    private static func environment() -> CGIVariables {
        var variables = CGIVariables()
        guard var entry = cplatform_environment() else { return variables }
        while let text = entry.pointee {
            let bytes = UnsafeBufferPointer(
                start: UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self), count: strlen(text))
            if let equals = bytes.firstIndex(of: UInt8(ascii: "=")) {
                variables.append(name: bytes[..<equals], value: bytes[(equals + 1)...])
            }
            entry += 1
        }
        return variables
    }

    /// Attaches a body that is read on demand, so that a handler which ignores it does not wait for it.
    private static func attachBody(to request: CGIRequest, _ plan: RequestPlan, _ termination: WakePipe?) {
        let maximum = plan.maximumBodyBytes
        let collected = min(maximum, plan.app.configuration.maximumBodyBytes)
        let input = StandardInput(
            termination: termination, milliseconds: plan.app.configuration.fastCGI.bodyTimeout.boundedMilliseconds)
        switch request.announcedLength {
        case .invalid: request.setBody(.failed(.invalidContentLength))
        case .absent:
            // Without a length there is no body, and standard input may stay open: do not wait for its end. Only a
            // server that decoded a chunked body has no length to announce; then the end of input is the end of the
            // body.
            if request.isChunked {
                request.setBody(.stream(input.stream(announced: nil, maximum), maximumBytes: collected))
            }
        case .bytes(let count):
            if count > maximum {
                request.setBody(.failed(.bodyTooLarge(maximumBytes: maximum)))
            } else {
                let isStreamed = if case .streamed = plan.bodyPolicy { true } else { false }
                request.setBody(
                    .stream(
                        input.stream(announced: count, maximum), maximumBytes: isStreamed ? collected : maximum))
            }
        }
    }

    private static func waitFor(_ body: @escaping @Sendable () async -> CGIResponse) -> CGIResponse {
        let result = ThreadLock<CGIResponse?>(nil)
        Task {
            let response = await body()
            result.withLock { $0 = response }
            result.signal()
        }
        while true {
            if let response = result.wait(for: { $0 }) { return response }
        }
    }
}

/// The body on descriptor 0. Reads wait for input until they time out or SIGTERM arrives.
private struct StandardInput: Sendable {
    let termination: WakePipe?
    /// Time limit for each 16 KiB, or for the rest.
    let milliseconds: Int

    func stream(announced: Int?, _ maximum: Int) -> CGIBodyStream {
        let patience = ThreadLock(ProgressTimeout())
        let readPiece: CGIBodyStream.Read = { maximum in
            let size = min(maximum, 65_536)
            try wait(patience)
            while true {
                var count = 0
                let piece = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
                    count = read(0, buffer.baseAddress, size)
                    filled = max(0, count)
                }
                if count >= 0 {
                    patience.withLock { $0.moved(count, now: SystemClock.milliseconds()) }
                    return piece
                }
                if errno == EAGAIN { try wait(patience) } else if errno != EINTR { throw CGIRequestError.aborted }
            }
        }
        // The process has one request, so a task may block its thread.
        return CGIBodyStream(
            announcedBytes: announced, maximumBytes: maximum, read: readPiece, asyncRead: { try readPiece($0) })
    }

    private func wait(_ patience: ThreadLock<ProgressTimeout>) throws(CGIRequestError) {
        patience.withLock { $0.begin(now: SystemClock.milliseconds()) }
        defer { patience.withLock { $0.pause(now: SystemClock.milliseconds()) } }
        while true {
            let left = patience.withLock { $0.left(milliseconds, now: SystemClock.milliseconds()) }
            if left <= 0 { throw .timedOut }
            var watched = [
                pollfd(fd: 0, events: Int16(POLLIN), revents: 0),
                pollfd(fd: termination?.readEnd.number ?? -1, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&watched, 2, Int32(clamping: left))
            if watched[1].revents != 0 { throw .aborted }
            if count > 0 || (count < 0 && errno != EINTR) { return }
        }
    }
}
