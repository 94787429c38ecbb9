import CLibrary
import CPlatform

/// An operating-system thread that nobody joins.
///
/// It is outside Swift's cooperative pool, so it may block, and blocked tasks cannot keep it from running. It has every
/// signal blocked: signals stay with the app's own threads.
package enum DetachedThread {
    private final class Body {
        let name: String
        let run: @Sendable () -> Void
        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// Lets threads that wait for this processor go first; returns at once if there are none.
    static func yieldProcessor() { sched_yield() }

    /// - Parameters:
    ///   - name: shown by process tools; at most 15 bytes on Linux.
    ///   - stackBytes: the thread's stack.
    package static func start(
        name: String, stackBytes: Int = 512 * 1024, _ run: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, stackBytes)

        // The new thread inherits the mask, so that no signal can reach it in between.
        var all = sigset_t()
        var previous = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }

        // The reference is handed over to the thread, which takes it back exactly once.
        let body = Unmanaged.passRetained(Body(name: name, run: run))
        #if canImport(Darwin)
            var thread: pthread_t?
            let code = pthread_create(
                &thread, &attributes,
                { context in
                    let body = Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
                    cplatform_name_thread(body.name)
                    body.run()
                    return nil
                }, body.toOpaque())
        #else
            var thread = pthread_t()
            let code = pthread_create(
                &thread, &attributes,
                { context in
                    guard let context else { return nil }
                    let body = Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
                    cplatform_name_thread(body.name)
                    body.run()
                    return nil
                }, body.toOpaque())
        #endif
        guard code == 0 else {
            body.release()
            throw SystemError(call: "pthread_create", code: code)
        }
    }
}

/// How long a thread has run, and how long it was ready to run and had no processor to run on. Nanoseconds.
struct ThreadUsage: Equatable {
    var ran: UInt64
    var waited: UInt64

    /// Reads what the kernel counts for the thread that made the reader (Linux: `/proc/thread-self/schedstat`, proc(5)).
    final class Reader {
        // Owned: opened in init, closed in deinit.
        private let descriptor: Int32

        /// - Returns: nil where the kernel doesn't count it.
        init?() {
            descriptor = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { return nil }
        }

        deinit { close(descriptor) }

        func read() -> ThreadUsage? {
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 96) { room in
                guard let base = room.baseAddress else { return nil }
                let length = pread(descriptor, base, room.count, 0)
                guard length > 0 else { return nil }
                return ThreadUsage(UnsafeBufferPointer(start: base, count: length))
            }
        }
    }

    init(ran: UInt64, waited: UInt64) {
        self.ran = ran
        self.waited = waited
    }

    /// - Parameter text: three numbers in decimal digits; the third is the count of time slices.
    init?(_ text: some Sequence<UInt8>) {
        var numbers: [UInt64] = [0]
        for byte in text {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                numbers[numbers.count - 1] = numbers[numbers.count - 1] &* 10 &+ UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: " "): numbers.append(0)
            case UInt8(ascii: "\n"): break
            default: return nil
            }
        }
        guard numbers.count == 3 else { return nil }
        self.init(ran: numbers[0], waited: numbers[1])
    }
}
