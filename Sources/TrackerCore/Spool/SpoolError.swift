/// Why a directory cannot be the spool. Each text says what to do next.
package enum SpoolError: Error, Equatable, CustomStringConvertible {
    /// The path is empty or contains a NUL byte.
    case invalidPath(String)
    /// The path, or a parent of it, does not exist and could not be created.
    case cannotCreate(path: String, SystemError)
    /// The path's last component is a symbolic link or no directory.
    case notADirectory(path: String)
    case cannotOpen(path: String, SystemError)
    /// The directory belongs to somebody else, who could read or replace what is in it.
    case foreignOwner(path: String, owner: UInt32, user: UInt32)
    /// Others may enter the directory, and its mode could not be changed.
    case accessible(path: String, mode: UInt32, SystemError)

    package var description: String {
        switch self {
        case .invalidPath(let path):
            "The spool directory \"\(path)\" is not a usable path: give a path that is not empty and has no NUL byte."
        case .cannotCreate(let path, let failure):
            "The spool directory cannot be created at \(path) (\(failure)): "
                + "create it by hand for the user that runs this program, or choose another directory."
        case .notADirectory(let path):
            "The spool directory \(path) is a symbolic link or not a directory: "
                + "give the path of the directory itself."
        case .cannotOpen(let path, let failure):
            "The spool directory \(path) cannot be opened (\(failure)): "
                + "let the user that runs this program read, write and enter it, or choose another directory."
        case .foreignOwner(let path, let owner, let user):
            "The spool directory \(path) belongs to user \(owner), but this program runs as user \(user): "
                + "change its owner with chown, or choose another directory."
        case .accessible(let path, let mode, let failure):
            "The spool directory \(path) is open to other users (mode 0\(String(mode, radix: 8))) "
                + "and cannot be closed (\(failure)): set its mode to 0700, or choose another directory."
        }
    }
}
