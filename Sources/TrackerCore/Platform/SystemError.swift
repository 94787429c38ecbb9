import CLibrary

/// A system call that failed, with the reason the system gave.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    /// The call's name, as its manual page spells it.
    package let call: String
    /// The value of `errno`.
    package let code: Int32

    package init(call: String, code: Int32) {
        self.call = call
        self.code = code
    }

    /// Reads `errno`, so it must be made right after the call.
    package init(call: String) {
        self.init(call: call, code: errno)
    }

    package var description: String {
        // strerror's buffer may be shared between threads, but the text of a known number never changes under glibc,
        // musl and Darwin; the bytes are copied at once.
        guard let text = strerror(code) else { return "\(call): error \(code)" }
        return "\(call): \(String(cString: text))"
    }
}

extension SystemError {
    /// The disk, the user's quota, or the process's limit on the size of files is used up.
    var isLackOfSpace: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }
}
