import TrackerCore

/// Connects a blocking writer to an asynchronous reader, with a buffer of one piece.
final class BlockingBridge: Sendable {
    private struct BridgeState: Sendable {
        var piece: [UInt8]?
        var isFinished = false
        var failure: (any Error)?
        /// Whether the reader is gone.
        var isClosed = false
        var reader: CheckedContinuation<Void, Never>?
    }

    private let state = ThreadLock(BridgeState())

    /// Writes a piece; blocks the thread until there is room.
    ///
    /// - Throws: ``CGIRequestError`` with the code `aborted` once the reader is gone.
    func write(_ piece: [UInt8]) throws {
        while true {
            let result = state.wait {
                state -> (isOpen: Bool, CheckedContinuation<Void, Never>?)? in
                if state.isClosed { return (false, nil) }
                guard state.piece == nil else { return nil }
                state.piece = piece
                defer { state.reader = nil }
                return (true, state.reader)
            }
            guard let (isOpen, reader) = result else { continue }
            reader?.resume()
            guard isOpen else { throw CGIRequestError.aborted }
            return
        }
    }

    /// Ends the stream, with an error if the writer failed.
    func finish(_ failure: (any Error)? = nil) {
        let reader = state.withLock { state in
            state.isFinished = true
            state.failure = failure
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume()
    }

    /// Passes every piece to `write` until the stream ends.
    ///
    /// - Throws: errors of `write`, and the one that the writer failed with.
    func forward(_ write: ([UInt8]) async throws -> Void) async throws {
        defer {
            state.withLock { $0.isClosed = true }
            state.signal()
        }
        while let piece = try await next() { try await write(piece) }
    }

    private func next() async throws -> [UInt8]? {
        while true {
            let (piece, isFinished, failure) = state.withLock { state in
                defer { state.piece = nil }
                return (state.piece, state.isFinished, state.failure)
            }
            if let piece {
                state.signal()
                return piece
            }
            if let failure { throw failure }
            if isFinished { return nil }
            await withCheckedContinuation { continuation in
                let isWaiting = state.withLock { state in
                    guard state.piece == nil, !state.isFinished else { return false }
                    state.reader = continuation
                    return true
                }
                if !isWaiting { continuation.resume() }
            }
        }
    }
}
