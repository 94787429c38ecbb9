extension CGIApp {
    /// Answers a request, with all hooks and signals. For a front that is neither CGI nor FastCGI: send the response,
    /// then call `responseWasSent`.
    public func respond(to request: CGIRequest) async -> CGIResponse {
        let plan = RequestPlan(request, snapshot)
        let response = await respond(to: request, plan)
        let log = request.takeLog()
        if !log.isEmpty { plan.app.configuration.log(String(log.dropLast())) }
        return response
    }

    /// Says that the client has the whole answer to a request, or will never get it. The first call for a request
    /// fires `responseSent`; further ones do nothing.
    public func responseWasSent(_ request: CGIRequest, _ response: CGIResponse) {
        guard request.claimResponseSent() else { return }
        responseSent.send { $0(request, response) }
    }

    func respond(to request: CGIRequest, _ plan: RequestPlan) async -> CGIResponse {
        guard plan.isAsync else { return respondSynchronously(to: request, plan) }
        requestStarted.send { $0(request) }
        do {
            return finish(request, plan, try await answer(request, plan), nil)
        } catch {
            return finish(request, plan, self.answer(error, request, plan), error)
        }
    }

    /// The plan must not be asynchronous.
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

    private func answer(_ request: CGIRequest, _ plan: RequestPlan) async throws -> CGIResponse {
        if let failure = request.failure { throw failure }
        for function in plan.app.beforeRequest {
            let response =
                switch function {
                case .sync(let function): try function(request)
                case .async(let function): try await function(request)
                }
            if let response { return response }
        }
        switch plan.handler {
        case .sync(let handler): return try handler(request)
        case .async(let handler): return try await handler(request)
        case nil: return plan.automaticResponse(to: request)
        }
    }

    /// The answer to an error. What is wrong on our side goes to the web server's log.
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

    /// A response that cannot be sent becomes a 500 before the receivers see it, and again after they changed it.
    private func finish(
        _ request: CGIRequest, _ plan: RequestPlan, _ response: CGIResponse, _ error: (any Error)?
    ) -> CGIResponse {
        var response = checked(response, request)
        requestFinished.send { $0(request, &response, error) }
        return checked(response, request)
    }

    private func checked(_ response: CGIResponse, _ request: CGIRequest) -> CGIResponse {
        do {
            try ResponseHead.validate(response)
            return response
        } catch {
            request.log("\(request.method) \(request.requestURI): the response was refused: \(error)")
            return CGIResponse(text: "500 Internal Server Error\n", status: 500)
        }
    }
}
