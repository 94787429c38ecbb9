#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Writes to descriptor 2; what cannot be written is left out.
enum StandardError {
    static func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while let base = rest.baseAddress, rest.count > 0 {
                #if canImport(Darwin)
                    let written = Darwin.write(2, base, rest.count)
                #elseif canImport(Musl)
                    let written = Musl.write(2, base, rest.count)
                #else
                    let written = Glibc.write(2, base, rest.count)
                #endif
                if written < 0, errno == EINTR { continue }
                if written <= 0 { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            }
        }
    }
}
