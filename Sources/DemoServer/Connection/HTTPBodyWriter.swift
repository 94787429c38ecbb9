/// Streams a response body piece by piece. Each piece is sent at once; a slow client slows the producer down.
///
/// `@unchecked Sendable`: only the task that serves the connection uses it, on its loop's thread.
package final class HTTPBodyWriter: @unchecked Sendable {
    enum Coding { case chunked, untilClose, discard }

    private let socket: Socket
    private let coding: Coding
    private let timeout: UInt64
    /// The response head, sent with the first piece.
    private var head: [UInt8]
    /// Whether a piece may have been sent only in part: the client would take anything after it for the missing rest.
    private var isBroken = false

    init(socket: Socket, head: [UInt8], coding: Coding, timeout: UInt64) {
        self.socket = socket
        self.head = head
        self.coding = coding
        self.timeout = timeout
    }

    /// Sends one piece.
    ///
    /// - Throws: if the client has disconnected or has stopped reading.
    package func write(_ bytes: [UInt8]) async throws {
        var message = head
        head = []
        switch coding {
        case .discard: break
        case .untilClose: message += bytes
        case .chunked:
            // An empty chunk would end the body.
            guard !bytes.isEmpty else { break }
            message += Array(String(bytes.count, radix: 16).utf8) + [0x0D, 0x0A]
            message += bytes
            message += [0x0D, 0x0A]
        }
        try await send(message)
    }

    /// Whether the client has closed the connection. An endless body checks this periodically: while it has nothing to
    /// send, no write would fail.
    package var isClientGone: Bool { socket.isPeerGone }

    /// Sends the end of the body.
    ///
    /// - Throws: also if an earlier piece could not be sent and the producer ignored the error.
    func finish() async throws {
        var message = head
        head = []
        if coding == .chunked { message += Array("0\r\n\r\n".utf8) }
        try await send(message)
    }

    private func send(_ message: [UInt8]) async throws {
        guard !isBroken else { throw SocketEnd.closed }
        guard !message.isEmpty else { return }
        do {
            try await socket.send(message, timeout: timeout)
        } catch {
            isBroken = true
            throw error
        }
    }
}
