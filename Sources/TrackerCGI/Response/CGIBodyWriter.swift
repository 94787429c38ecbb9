/// Takes a response's body, piece by piece, and makes the writer wait while the client is slower.
public final class CGIBodyWriter: Sendable {
    private let writePiece: @Sendable ([UInt8]) throws -> Void
    private let writePieceAsync: @Sendable ([UInt8]) async throws -> Void

    /// A writer to a place of one's own, for a front that drives an app itself.
    public init(
        write: @escaping @Sendable ([UInt8]) throws -> Void,
        asyncWrite: @escaping @Sendable ([UInt8]) async throws -> Void
    ) {
        writePiece = write
        writePieceAsync = asyncWrite
    }

    /// Sends a piece; blocks the thread while too much is waiting to be sent.
    ///
    /// - Throws: `CGIRequestError.aborted` once nobody reads any more.
    public func write(_ bytes: [UInt8]) throws {
        if !bytes.isEmpty { try writePiece(bytes) }
    }

    /// Sends a piece of text, as UTF-8.
    public func write(_ text: String) throws {
        try write(Array(text.utf8))
    }

    /// Sends a piece without blocking the thread.
    public func write(_ bytes: [UInt8]) async throws {
        if !bytes.isEmpty { try await writePieceAsync(bytes) }
    }

    /// Sends a piece of text, as UTF-8, without blocking the thread.
    public func write(_ text: String) async throws {
        try await write(Array(text.utf8))
    }
}
