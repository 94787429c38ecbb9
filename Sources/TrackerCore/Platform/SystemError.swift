import CLibrary

/// A failed system call and its `errno`.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    /// The call's name, as its manual page spells it.
    package let call: String
    /// The value of `errno`.
    package let code: Int32

    package init(call: String, code: Int32) {
        self.call = call
        self.code = code
    }

    /// Reads `errno`, so it must be called right after the system call.
    package init(call: String) {
        self.init(call: call, code: errno)
    }

    package var description: String {
        // strerror's buffer may be shared between threads, but in glibc, musl and Darwin the text of a known number
        // never changes; the bytes are copied at once.
        guard let text = strerror(code) else { return "\(call): error \(code)" }
        return "\(call): \(String(cString: text))"
    }
}

extension SystemError {
    /// Whether the disk is full, or the user's quota or the process's file size limit is exceeded.
    var isLackOfSpace: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }
}
