import CLibrary
import CPlatform

/// A lock that guards a value, with a condition variable to wait on.
///
/// The standard library's `Mutex` hands the lock to a waiter, and spins before it waits. With more threads than
/// processors and a lock that every request takes, that cost a third of all processor time: each hand-over waits for a
/// thread that is not running. A pthread mutex goes to whichever thread runs. Where supported it spins briefly before
/// it sleeps in the kernel: it is held for nanoseconds, and a wake-up takes many microseconds.
///
/// Waits use the monotonic clock, so setting the time of day does not affect them.
///
/// `@unchecked Sendable` is right because everything that reads or writes `state` holds the lock. The lock stays at one
/// heap address from `init` to `deinit`, as POSIX requires.
///
/// Inlinable, because other modules would otherwise copy the state's values through their run-time types.
package final class ThreadLock<Contents>: @unchecked Sendable {
    @usableFromInline let lock: UnsafeMutablePointer<cplatform_lock>
    /// Without run-time exclusivity checks: the lock rules out overlapping accesses, and every request would pay.
    @exclusivity(unchecked) @usableFromInline var state: Contents

    /// - Parameter survivesFork: a fork waits until the lock is free, and the child may use the state. Such a lock must
    ///   not be created or released while another is held.
    @inlinable
    package init(_ state: sending Contents, survivesFork: Bool = false) {
        self.state = state
        lock = .allocate(capacity: 1)
        cplatform_lock_create(lock, survivesFork ? 1 : 0)
    }

    @inlinable
    deinit {
        cplatform_lock_destroy(lock)
        lock.deallocate()
    }

    @inlinable @inline(__always)
    package func withLock<Result>(_ body: (inout Contents) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(&lock.pointee.mutex)
        defer { pthread_mutex_unlock(&lock.pointee.mutex) }
        return try body(&state)
    }

    /// Runs `body` if the lock is free; returns nil without waiting if another thread holds it.
    @inlinable @inline(__always)
    package func withLockIfFree<Result>(_ body: (inout Contents) throws -> Result) rethrows -> Result? {
        guard pthread_mutex_trylock(&lock.pointee.mutex) == 0 else { return nil }
        defer { pthread_mutex_unlock(&lock.pointee.mutex) }
        return try body(&state)
    }

    /// ``withLock(_:)`` with a value to move into the state; a closure could only copy it.
    @inlinable @inline(__always)
    package func withLock<Value, Result>(
        moving value: consuming Value, _ body: (inout Contents, consuming Value) throws -> Result
    ) rethrows -> Result {
        pthread_mutex_lock(&lock.pointee.mutex)
        defer { pthread_mutex_unlock(&lock.pointee.mutex) }
        return try body(&state, value)
    }

    /// Waits until `body` returns a value. `body` runs at once, and again after each ``signal()``.
    ///
    /// - Parameter deadline: nanoseconds of ``SystemClock/monotonicNanoseconds()``; nil: wait indefinitely.
    /// - Returns: nil if there is no value by the deadline.
    @inlinable
    package func wait<Result>(
        until deadline: UInt64? = nil, for body: (inout Contents) throws -> Result?
    ) rethrows -> Result? {
        pthread_mutex_lock(&lock.pointee.mutex)
        defer { pthread_mutex_unlock(&lock.pointee.mutex) }
        while true {
            if let result = try body(&state) { return result }
            if cplatform_lock_wait(lock, deadline ?? .max) != 0 { return try body(&state) }
        }
    }

    /// Wakes all waiters, which run their `body` again.
    package func signal() { pthread_cond_broadcast(&lock.pointee.condition) }
}
