/// Reads bytes of unknown encoding: UTF-8 where they are valid UTF-8, Latin-1 otherwise.
///
/// Inlinable, like the percent-encoding: other modules call it for each of a request's values, and a generic function
/// that can't be specialized there costs several times as much.
///
/// Latin-1 gives every byte a character, so nothing is lost and nothing can fail.
package enum TextDecoding {
    @inlinable
    package static func string(_ bytes: some Collection<UInt8>) -> String {
        bytes.withContiguousStorageIfAvailable { string($0) } ?? string(Array(bytes))
    }

    @inlinable
    package static func string(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        if bytes.isEmpty { return "" }
        return String(validating: bytes, as: UTF8.self) ?? latin1(bytes)
    }

    @inlinable
    package static func latin1(_ bytes: some Sequence<UInt8>) -> String {
        var scalars = String.UnicodeScalarView()
        for byte in bytes { scalars.append(Unicode.Scalar(byte)) }
        return String(scalars)
    }
}
