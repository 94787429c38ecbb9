/// The store's text: a first line that marks it, then one event in each line.
enum StoreFormat {
    /// What the first line says.
    struct Header: Equatable {
        /// How many events were wanted when the file was made.
        var keep: Int
    }

    private static let name = "rigidanalytics-events"

    static func header(keep: Int) -> [UInt8] {
        Array("{\"format\":\"\(name)\",\"version\":1,\"keep\":\(keep)}\n".utf8)
    }

    /// - Parameter line: without its end.
    /// - Returns: nil if the line marks no store of ours.
    static func header(of line: ArraySlice<UInt8>) -> Header? {
        guard line.count < 200, let value = try? JSONReader.read(line), value["format"] == .string(name),
            value["version"] == .integer(1), case .integer(let keep)? = value["keep"], keep > 0
        else { return nil }
        return Header(keep: Int(clamping: keep))
    }
}
