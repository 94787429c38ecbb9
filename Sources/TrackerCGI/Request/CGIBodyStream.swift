import Synchronization

/// A request's body, read piece by piece. Read-ahead is bounded, so a slow reader slows the sender.
///
/// Synchronous handlers call `read(upTo:)`, asynchronous ones iterate:
///
///     for try await piece in request.bodyStream { ... }
///
/// - Important: One reader at a time.
public final class CGIBodyStream: Sendable, AsyncSequence {
    /// Returns at least one byte and at most `maximum`; none at the end.
    public typealias Read = @Sendable (_ maximum: Int) throws -> [UInt8]
    /// Like `Read`, without blocking the thread.
    public typealias AsyncRead = @Sendable (_ maximum: Int) async throws -> [UInt8]

    private struct Progress: Sendable {
        var bytes = 0
        var isAtEnd = false
    }

    private let readPiece: Read
    private let readPieceAsync: AsyncRead
    private let maximumBytes: Int
    private let announcedBytes: Int?
    private let progress = Mutex(Progress())

    /// Creates a body with a source of its own, for custom servers; see `CGIApp.respond(to:)`.
    ///
    /// - Parameters:
    ///   - announcedBytes: the body's length, if known: more is not read, less is an error.
    ///   - maximumBytes: more is an error.
    ///   - read: returns the next piece, of at most the requested length; empty at the end. May block.
    ///   - asyncRead: the same without blocking.
    public init(
        announcedBytes: Int? = nil, maximumBytes: Int = .max, read: @escaping Read, asyncRead: @escaping AsyncRead
    ) {
        self.announcedBytes = announcedBytes
        self.maximumBytes = maximumBytes
        readPiece = read
        readPieceAsync = asyncRead
    }

    /// Creates a body that is already in memory.
    public convenience init(_ bytes: [UInt8]) {
        let rest = Mutex(bytes[...])
        let take: Read = { maximum in
            rest.withLock { rest in
                let piece = Array(rest.prefix(maximum))
                rest = rest.dropFirst(piece.count)
                return piece
            }
        }
        self.init(read: take, asyncRead: take)
    }

    /// Reads the next piece; blocks the thread until it arrives.
    ///
    /// - Returns: between one and `maximum` bytes, none at the end of the body.
    /// - Throws: `CGIRequestError`.
    public func read(upTo maximum: Int = 65_536) throws -> [UInt8] {
        guard let room = room(for: maximum) else { return [] }
        return try account(readPiece(room))
    }

    /// Reads the next piece without blocking the thread.
    public func read(upTo maximum: Int = 65_536) async throws -> [UInt8] {
        guard let room = room(for: maximum) else { return [] }
        return try account(await readPieceAsync(room))
    }

    private func room(for maximum: Int) -> Int? {
        progress.withLock { progress in
            if progress.isAtEnd || maximum <= 0 { return nil }
            guard let announcedBytes else { return maximum }
            if progress.bytes >= announcedBytes { return nil }
            return Swift.min(maximum, announcedBytes - progress.bytes)
        }
    }

    private func account(_ piece: [UInt8]) throws -> [UInt8] {
        try progress.withLock { progress in
            if piece.isEmpty {
                progress.isAtEnd = true
                if let announcedBytes, progress.bytes < announcedBytes { throw CGIRequestError.bodyTooShort }
                return piece
            }
            let (total, isTooMuch) = progress.bytes.addingReportingOverflow(piece.count)
            guard !isTooMuch, total <= maximumBytes else {
                progress.isAtEnd = true
                throw CGIRequestError.bodyTooLarge(maximumBytes: maximumBytes)
            }
            progress.bytes = total
            return piece
        }
    }

    /// Iterates over the body's pieces.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let stream: CGIBodyStream

        /// Returns the next piece; nil at the end.
        public mutating func next() async throws -> [UInt8]? {
            let piece = try await stream.read()
            return piece.isEmpty ? nil : piece
        }
    }

    /// Returns an iterator over the pieces.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }
}
