import CLibrary

/// The target that `FUZZ_TARGET` names.
private let target: FuzzTarget? = getenv("FUZZ_TARGET").flatMap { FuzzTarget.named(String(cString: $0)) }

/// libFuzzer's entry point, called with each input; `scripts/fuzz` links it.
@_cdecl("LLVMFuzzerTestOneInput")
package func fuzzOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let target else {
        print("set FUZZ_TARGET to one of \(FuzzTarget.all.map(\.name).joined(separator: ", "))")
        exit(64)
    }
    do {
        try target.run(Array(UnsafeBufferPointer(start: bytes, count: bytes == nil ? 0 : count)))
    } catch {
        print("\(target.name): \(error)")
        abort()
    }
    return 0
}
