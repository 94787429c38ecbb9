/// Reads bytes of unknown encoding: UTF-8 where they are valid UTF-8, Latin-1 otherwise.
///
/// Latin-1 gives every byte a character, so nothing is lost and nothing can fail.
package enum TextDecoding {
    package static func string(_ bytes: some Collection<UInt8>) -> String {
        bytes.withContiguousStorageIfAvailable { string($0) } ?? string(Array(bytes))
    }

    package static func string(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        if bytes.isEmpty { return "" }
        return String(validating: bytes, as: UTF8.self) ?? latin1(bytes)
    }

    package static func latin1(_ bytes: some Sequence<UInt8>) -> String {
        var scalars = String.UnicodeScalarView()
        for byte in bytes { scalars.append(Unicode.Scalar(byte)) }
        return String(scalars)
    }
}
