import CSpawn

/// Returns the bytes that this process has allocated and not freed; nil where the C library does not report them.
package func allocatedBytes() -> Int? {
    let bytes = cspawn_allocated()
    return bytes < 0 ? nil : Int(bytes)
}
