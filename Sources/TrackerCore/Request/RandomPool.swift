import CLibrary
import CPlatform

/// Random bits from the system, fetched for several sessions at once: asking the kernel takes longer than everything
/// else that a new session needs.
///
/// No bits are given out twice: not to two threads, and not to a process and the one that it forked.
final class RandomPool: Sendable {
    static let shared = RandomPool()

    /// The most that one call of `getentropy` gives: 256 bytes.
    private static let words = 32

    private struct Reserve {
        var words = [UInt64](repeating: 0, count: RandomPool.words)
        var next = RandomPool.words
        var forks: Int32
    }

    private let state: ThreadLock<Reserve>

    private init() {
        cplatform_watch_forks()
        state = ThreadLock(Reserve(forks: cplatform_count_forks()))
    }

    /// - Returns: 128 bits, or nil where the caller has to ask the system itself: while another thread is here, which
    ///   would be waited for (after a fork for ever), or if the system gives none.
    func next() -> (high: UInt64, low: UInt64)? {
        state.withLockIfFree { state in
            let forks = cplatform_count_forks()
            if state.next > Self.words - 2 || state.forks != forks {
                state.next = Self.words
                let isDone = state.words.withUnsafeMutableBytes { room in
                    room.baseAddress.map { getentropy($0, room.count) == 0 } ?? false
                }
                guard isDone else { return nil }
                state.forks = forks
                state.next = 0
            }
            let bits = (high: state.words[state.next], low: state.words[state.next + 1])
            state.words[state.next] = 0
            state.words[state.next + 1] = 0
            state.next += 2
            return bits
        } ?? nil
    }
}
