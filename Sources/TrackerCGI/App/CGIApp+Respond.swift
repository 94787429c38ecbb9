extension CGIApp {
    /// Answers a request, with all hooks and signals, for a custom server: one that is neither CGI nor FastCGI.
    ///
    /// Synchronous handlers run on the app's own threads, not on Swift's.
    ///
    /// - Important: Send the response, then call `responseWasSent(_:_:)`.
    public func respond(to request: CGIRequest) async -> CGIResponse {
        let plan = RequestPlan(request, snapshot)
        let response = await respond(to: request, plan, on: blockingPool)
        let log = request.takeLog()
        if !log.isEmpty { plan.app.configuration.log(String(log.dropLast())) }
        return response
    }

    /// Reports that the client has the whole response, or will never get it. The first call for each request fires
    /// `responseSent`; further calls are no-ops.
    public func responseWasSent(_ request: CGIRequest, _ response: CGIResponse) {
        guard request.claimResponseSent() else { return }
        responseSent.send { $0(request, response) }
    }

    /// - Parameter pool: runs synchronous functions.
    func respond(to request: CGIRequest, _ plan: RequestPlan, on pool: WorkerPool?) async -> CGIResponse {
        guard plan.isAsync else {
            if let response = try? await pool?.run({ self.respondSynchronously(to: request, plan) }) { return response }
            if pool != nil { request.setBody(.failed(.overloaded)) }
            return respondSynchronously(to: request, plan)
        }
        requestStarted.send { $0(request) }
        do {
            return finish(request, plan, try await answer(request, plan, pool), nil)
        } catch {
            return finish(request, plan, self.answer(error, request, plan), error)
        }
    }

    /// Answers a request on this thread. The plan must not be asynchronous.
    func respondSynchronously(to request: CGIRequest, _ plan: RequestPlan) -> CGIResponse {
        requestStarted.send { $0(request) }
        do {
            return finish(request, plan, try synchronousAnswer(request, plan), nil)
        } catch {
            return finish(request, plan, answer(error, request, plan), error)
        }
    }

    private func synchronousAnswer(_ request: CGIRequest, _ plan: RequestPlan) throws -> CGIResponse {
        if let failure = request.failure { throw failure }
        for case .sync(let function) in plan.app.beforeRequest {
            if let response = try function(request) { return response }
        }
        if case .sync(let handler) = plan.handler { return try handler(request) }
        return plan.automaticResponse(to: request)
    }

    private func answer(_ request: CGIRequest, _ plan: RequestPlan, _ pool: WorkerPool?) async throws -> CGIResponse {
        if let failure = request.failure { throw failure }
        for function in plan.app.beforeRequest {
            if let response = try await call(function, request, pool) { return response }
        }
        if let handler = plan.handler { return try await call(handler, request, pool) }
        return plan.automaticResponse(to: request)
    }

    private func call<Result>(
        _ function: CGIHandler<Result>, _ request: CGIRequest, _ pool: WorkerPool?
    ) async throws -> Result {
        switch function {
        case .async(let function): try await function(request)
        case .sync(let function):
            if let pool { try await pool.run { try function(request) } } else { try function(request) }
        }
    }

    /// Returns the response to an error. An error that no handler answers is written to the web server's log.
    private func answer(_ error: any Error, _ request: CGIRequest, _ plan: RequestPlan) -> CGIResponse {
        for handler in plan.app.errorHandlers {
            if let response = handler(error, request) { return response }
        }
        if let error = error as? CGIRequestError {
            request.log("\(request.method) \(request.requestURI): \(error)")
            return plan.app.page(error.status, for: request, detail: error.description)
        }
        request.log("\(request.method) \(request.requestURI): \(error)")
        return plan.app.page(500, for: request, detail: plan.app.configuration.isDebug ? "\(error)" : nil)
    }

    /// Replaces a response that cannot be sent with a 500, before the receivers see it and again after they change it.
    private func finish(
        _ request: CGIRequest, _ plan: RequestPlan, _ response: CGIResponse, _ error: (any Error)?
    ) -> CGIResponse {
        var response = response.checked(for: request)
        let mayHaveChanged = requestFinished.send { $0(request, &response, error) }
        return mayHaveChanged ? response.checked(for: request) : response
    }
}

extension CGIResponse {
    /// Returns a 500 instead of a response that cannot be sent.
    func checked(for request: CGIRequest) -> CGIResponse {
        var response = self
        do {
            try response.validate()
            return response
        } catch {
            request.log("\(request.method) \(request.requestURI): the response is invalid: \(error)")
            return CGIResponse(text: "500 Internal Server Error\n", status: 500)
        }
    }
}
