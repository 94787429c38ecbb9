/// What makes an event of a tracked request, on the delivery thread: the app's hook, the filter, the JSON, the key.
final class EventPreparation {
    private let pipeline: DeliveryPipeline
    private let hook: BeforeSend?
    private var encoder: EventEncoder
    let identifiers = EventIdentifierGenerator()

    init(configuration: TrackerConfiguration, pipeline: DeliveryPipeline, log: TrackerLog) {
        self.pipeline = pipeline
        hook = configuration.beforeSend.map { BeforeSend($0, log: log, onSlow: pipeline.countSlowHook) }
        encoder = EventEncoder(
            projectToken: configuration.projectToken, privacy: configuration.privacy,
            trustedProxies: configuration.trustedProxies)
    }

    /// - Returns: nil if the app's hook did not let the event through; then it is settled.
    func event(of request: borrowing TrackedRequest, sequence: UInt64) -> EncodedEvent? {
        let queueBytes = request.approximateBytes
        let body: [UInt8]
        if let hook {
            switch hook.apply(to: copy request) {
            case .send(let changed): body = encoder.encode(changed)
            case .drop(let reason):
                pipeline.settleDropped(reason, 1, bytes: queueBytes)
                return nil
            }
        } else {
            body = encoder.encode(request)
        }
        return EncodedEvent(
            sequence: sequence, identifier: identifiers.next(), receivedAt: request.receivedAt,
            body: body, queueBytes: queueBytes)
    }
}
