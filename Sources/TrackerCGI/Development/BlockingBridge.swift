import TrackerCore

/// Lets a function that blocks write to something that is asynchronous, one piece ahead at most.
final class BlockingBridge: Sendable {
    private struct BridgeState: Sendable {
        var piece: [UInt8]?
        var isFinished = false
        var failure: (any Error)?
        /// The reading side is gone.
        var isClosed = false
        var reader: CheckedContinuation<Void, Never>?
    }

    private let state = ThreadLock(BridgeState())

    /// Hands on a piece; blocks the thread until there is room.
    ///
    /// - Throws: `CGIRequestError.aborted` once nobody reads any more.
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

    /// Says that no further piece comes.
    func finish(_ failure: (any Error)? = nil) {
        let reader = state.withLock { state in
            state.isFinished = true
            state.failure = failure
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume()
    }

    /// Hands every piece to `write`, until there are no more.
    ///
    /// - Throws: what `write` throws, and what the blocking side failed with.
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
