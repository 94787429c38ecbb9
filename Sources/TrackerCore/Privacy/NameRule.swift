/// One rule of a policy, ready to be asked.
struct NameRule {
    private let rule: PrivacyPolicy.Rule
    private let allowed: Set<[UInt8]>

    init(_ rule: PrivacyPolicy.Rule) {
        self.rule = rule
        allowed = if case .allowList(let names) = rule { Set(names.map { Self.folded($0.utf8) }) } else { [] }
    }

    /// Whether there is any name whose value goes.
    var mayHide: Bool { rule != .off }

    var isDenyList: Bool { rule == .denyList }

    func hides(_ name: some Sequence<UInt8>, _ automaton: RuleAutomaton) -> Bool {
        switch rule {
        case .off: return false
        case .denyList:
            return name.withContiguousStorageIfAvailable { automaton.isSensitive($0) }
                ?? Array(name).withUnsafeBufferPointer { automaton.isSensitive($0) }
        case .allowList: return allowed.isEmpty || !allowed.contains(Self.folded(name))
        }
    }

    private static func folded(_ name: some Sequence<UInt8>) -> [UInt8] {
        name.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : ASCII.lowercase($0) }
    }
}
