import CLibrary
import CPlatform
import Synchronization

/// Writes a response to standard output, always with parsed headers, never as an "nph-" script.
final class CGIOutput: Sendable {
    private struct State: Sendable {
        var head: [UInt8]?
        var isBroken = false
    }

    private let request: CGIRequest
    private let app: CGIApp.Snapshot
    private let state = Mutex(State())

    init(request: CGIRequest, app: CGIApp.Snapshot) {
        self.request = request
        self.app = app
    }

    /// Sends a response whose body is not asynchronous.
    ///
    /// - Returns: what was sent; an error page if the body failed before its first byte.
    func send(_ response: CGIResponse) -> CGIResponse {
        prepare(response)
        guard allowsBody(response) else { return sendRest(response) }
        switch response.body {
        case .bytes(let bytes): try? write(bytes, isLast: true)
        case .stream(let write):
            do {
                try write(writer)
            } catch {
                return sendRest(failed(response, error))
            }
        case .asyncStream: break
        }
        return sendRest(response)
    }

    func sendAsynchronously(_ response: CGIResponse) async -> CGIResponse {
        guard case .asyncStream(let write) = response.body, allowsBody(response) else { return send(response) }
        prepare(response)
        do {
            try await write(writer)
        } catch {
            return sendRest(failed(response, error))
        }
        return sendRest(response)
    }

    private var writer: CGIBodyWriter {
        CGIBodyWriter(write: { try self.write($0) }, asyncWrite: { try self.write($0) })
    }

    private func allowsBody(_ response: CGIResponse) -> Bool {
        ResponseHead.allowsBody(status: response.status, method: request.method)
    }

    private func prepare(_ response: CGIResponse) {
        var head: [UInt8] = []
        ResponseHead.append(response, method: request.method, to: &head)
        if head.count > 4096 {
            app.configuration.log(
                "tracker-cgi: a response's headers take \(head.count) bytes, more than nginx accepts by default")
        }
        state.withLock { $0.head = head }
    }

    /// Handles a body that failed. Before its first byte it can still become a 500. After that only the log and the
    /// event can report the failure, because under CGI the end of the output ends the response.
    private func failed(_ response: CGIResponse, _ error: any Error) -> CGIResponse {
        request.log("\(request.method) \(request.requestURI): the body could not be written: \(error)")
        guard state.withLock({ $0.head != nil }) else {
            var response = response
            response.status = state.withLock { $0.isBroken } ? 499 : 500
            // What follows must not be interrupted by the signal that web servers send at the end of the output.
            cplatform_outlive_termination()
            return response
        }
        let page = app.errorPage(for: request)
        prepare(page)
        if case .bytes(let bytes) = page.body { try? write(bytes, isLast: true) }
        return sendRest(page)
    }

    private func sendRest(_ response: CGIResponse) -> CGIResponse {
        try? write([], isLast: true)
        var response = response
        // nginx's status for a client that closes the connection before it has the response.
        if state.withLock({ $0.isBroken }) { response.status = 499 }
        return response
    }

    /// - Parameter isLast: whether the response ends with this piece.
    private func write(_ piece: [UInt8], isLast: Bool = false) throws {
        let bytes = state.withLock { state in
            defer { state.head = nil }
            return state.head.map { $0 + piece } ?? piece
        }
        if state.withLock({ $0.isBroken }) { throw CGIRequestError.aborted }
        var start = 0
        // Servers send SIGTERM as soon as they have the response. It must not interrupt what extensions do then, so it
        // is ignored from the last 4 KiB on; before that, it takes effect.
        let tail = isLast ? max(0, bytes.count - 4096) : bytes.count
        while start < bytes.count {
            if start >= tail { cplatform_outlive_termination() }
            let end = start < tail ? tail : bytes.count
            let count = bytes.withUnsafeBytes { buffer in
                let rest = UnsafeRawBufferPointer(rebasing: buffer[start..<end])
                #if canImport(Darwin)
                    return Darwin.write(1, rest.baseAddress, rest.count)
                #elseif canImport(Musl)
                    return Musl.write(1, rest.baseAddress, rest.count)
                #else
                    return Glibc.write(1, rest.baseAddress, rest.count)
                #endif
            }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN {
                var watched = pollfd(fd: 1, events: Int16(POLLOUT), revents: 0)
                poll(&watched, 1, 1000)
                continue
            }
            guard count > 0 else {
                if isLast { cplatform_outlive_termination() }
                state.withLock { $0.isBroken = true }
                request.cancel()
                throw CGIRequestError.aborted
            }
            start += count
        }
        if isLast { cplatform_outlive_termination() }
    }
}
