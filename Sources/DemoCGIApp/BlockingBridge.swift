import Dispatch
import Synchronization
import TrackerCGI
import TrackerCore

/// Lets a function that blocks write to something that is asynchronous: the function runs on a thread of its own, one
/// piece ahead at most.
final class BlockingBridge: Sendable {
    private let (pieces, feed) = AsyncStream<[UInt8]>.makeStream()
    private let room = DispatchSemaphore(value: 1)
    private let state = Mutex<(failure: (any Error)?, isClosed: Bool)>((nil, false))

    func start(_ produce: @escaping @Sendable (@escaping @Sendable ([UInt8]) throws -> Void) throws -> Void) throws {
        try DetachedThread.start(name: "body") { [self] in
            do {
                try produce { piece in
                    self.room.wait()
                    if self.state.withLock({ $0.isClosed }) { throw CGIRequestError.aborted }
                    self.feed.yield(piece)
                }
            } catch {
                state.withLock { $0.failure = error }
            }
            feed.finish()
        }
    }

    func forward(_ write: ([UInt8]) async throws -> Void) async throws {
        do {
            for await piece in pieces {
                try await write(piece)
                room.signal()
            }
        } catch {
            state.withLock { $0.isClosed = true }
            room.signal()
            throw error
        }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }
}
