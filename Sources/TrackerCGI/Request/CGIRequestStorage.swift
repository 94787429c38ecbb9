/// A key under which an extension keeps a value: an empty type that names the value's type.
///
///     enum StartTime: CGIStorageKey { typealias Value = UInt64 }
///     request.storage[StartTime.self] = now
public protocol CGIStorageKey {
    /// The type of what is kept.
    associatedtype Value: Sendable
}

/// Values of extensions, by the type of their key.
public struct CGIStorage: Sendable {
    private var values: [(key: ObjectIdentifier, value: any Sendable)] = []

    /// No values.
    public init() {}

    /// The value kept under a key; nil if there is none.
    public subscript<Key: CGIStorageKey>(key: Key.Type) -> Key.Value? {
        get {
            let identifier = ObjectIdentifier(key)
            return values.first { $0.key == identifier }?.value as? Key.Value
        }
        set {
            let identifier = ObjectIdentifier(key)
            let index = values.firstIndex { $0.key == identifier }
            switch (index, newValue) {
            case (let index?, let newValue?): values[index].value = newValue
            case (let index?, nil): values.remove(at: index)
            case (nil, let newValue?): values.append((identifier, newValue))
            case (nil, nil): break
            }
        }
    }
}

/// A request's storage. Every access is locked, so that hooks and handlers on different threads may share it.
public struct CGIRequestStorage: Sendable {
    let request: CGIRequest

    /// The value kept under a key; nil if there is none.
    public subscript<Key: CGIStorageKey>(key: Key.Type) -> Key.Value? {
        get { request.state.withLock { $0.storage[key] } }
        nonmutating set { request.state.withLock { $0.storage[key] = newValue } }
    }
}
