import CLibrary

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
