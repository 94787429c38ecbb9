#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// State that many threads want at the same time.
///
/// `Mutex` of the standard library hands a lock over to whoever waits for it, and spins before it waits. With more
/// threads than processors, and a lock that every request takes, that was a third of all processor time: each hand-over
/// waits for a thread that does not run. The system's own lock goes to whoever runs. Where it can, it looks again for a
/// moment before it asks the kernel to wait: it is held for nanoseconds, and to be woken takes many microseconds.
///
/// Everything that reads or writes `state` holds the lock, hence the unchecked conformance. The lock lives at an address
/// of its own, as POSIX demands, from `init` to `deinit`.
package final class ThreadLock<State>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    /// Not checked for overlapping accesses at run time, which the lock rules out, and which every request would pay.
    @exclusivity(unchecked) private var state: State

    package init(_ state: sending State) {
        self.state = state
        mutex.initialize(to: pthread_mutex_t())
        #if canImport(Glibc)
            var attributes = pthread_mutexattr_t()
            pthread_mutexattr_init(&attributes)
            pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_ADAPTIVE_NP))
            pthread_mutex_init(mutex, &attributes)
            pthread_mutexattr_destroy(&attributes)
        #else
            pthread_mutex_init(mutex, nil)
        #endif
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deinitialize(count: 1)
        mutex.deallocate()
    }

    @inline(__always)
    package func withLock<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Does nothing, and returns nil, where another thread holds the lock.
    @inline(__always)
    package func withLockIfFree<Result>(_ body: (inout State) throws -> Result) rethrows -> Result? {
        guard pthread_mutex_trylock(mutex) == 0 else { return nil }
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// ``withLock(_:)`` with something to move into the state, which a closure could only copy.
    @inline(__always)
    package func withLock<Value, Result>(
        moving value: consuming Value, _ body: (inout State, consuming Value) throws -> Result
    ) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state, value)
    }
}
