import Synchronization

/// A segment taken for delivery: nobody else can read, extend or delete it until it is removed or released.
///
/// Deliver `records`, and then either `remove()` the segment, or, if only some got through, `markDelivered` those and
/// `release()` it. Dropping the claim releases it. After a crash in between, a record may be delivered twice with the
/// same idempotency key; none is lost.
package final class SpoolClaim: Sendable {
    /// The records that are to be delivered, in the order in which they were stored: intact, not delivered before, and
    /// not too old. Not empty.
    package let records: [SpoolRecord]
    /// What else was found. Counted in the spool's statistics when the segment is removed.
    package let losses: SpoolLosses

    private let offsets: [Int]
    private let areOwn: [Bool]
    private let spool: Spool
    private let name: String
    private struct State {
        /// nil when the claim has ended.
        var file: SpoolSegmentFile?
        var isDelivered: [Bool]
    }
    private let state: Mutex<State>

    init(file: SpoolSegmentFile, segment: Spool.Segment, spool: Spool) {
        records = segment.pending.map(\.record)
        offsets = segment.pending.map(\.offset)
        areOwn = segment.areOwn
        losses = segment.losses
        self.spool = spool
        name = file.name
        state = Mutex(State(file: file, isDelivered: Array(repeating: false, count: segment.pending.count)))
    }

    /// Whether the spool object that was asked for the claim stored the record itself, and not another process.
    ///
    /// - Parameter index: a position in `records`.
    package func isOwn(at index: Int) -> Bool {
        areOwn.indices.contains(index) && areOwn[index]
    }

    /// Notes on disk that records were delivered, so that the rest can be sent later without them.
    ///
    /// One small write for each; where everything was delivered, `remove()` alone does.
    ///
    /// - Parameter indices: positions in `records`; others, and those noted already, are ignored.
    package func markDelivered(_ indices: some Sequence<Int>) {
        // The lock is held over the writes on purpose: the file must not be closed, and its descriptor reused, between.
        let own = state.withLock { state -> Int in
            guard let file = state.file else { return 0 }
            var own = 0
            for index in indices where offsets.indices.contains(index) && !state.isDelivered[index] {
                state.isDelivered[index] = true
                var mark = SpoolFormat.deliveredMark.littleEndian
                // If this fails, the record is sent again: allowed, while a loss is not.
                _ = withUnsafeBytes(of: &mark) { file.write($0, at: offsets[index]) }
                own += areOwn[index] ? records[index].eventCount : 0
            }
            return own
        }
        spool.delivered(own, in: name)
    }

    /// Deletes the segment: all its records were acknowledged by the backend, or are not to be sent again.
    ///
    /// - Returns: false if it could not be deleted. This spool object will not claim it again; another process may.
    @discardableResult
    package func remove() -> Bool {
        guard let (file, undelivered) = end() else { return false }
        spool.delivered(undelivered, in: name)
        return spool.remove(file, losses: losses)
    }

    /// Gives the segment back; what is not marked as delivered will be claimed again.
    package func release() {
        _ = end()
    }

    /// The file, once, and the number of own records that were not marked.
    private func end() -> (SpoolSegmentFile, undelivered: Int)? {
        state.withLock { state in
            guard let file = state.file else { return nil }
            state.file = nil
            let undelivered = records.indices.reduce(0) { sum, index in
                sum + (areOwn[index] && !state.isDelivered[index] ? records[index].eventCount : 0)
            }
            return (file, undelivered)
        }
    }
}
