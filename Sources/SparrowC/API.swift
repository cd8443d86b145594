import CPlatform
import CSparrow
import SparrowCore

// The functions of sparrow.h, which says what they do. Handles are retained for C and released by what ends them.

@_cdecl("sparrow_model_open")
public func modelOpen(
  _ path: UnsafePointer<CChar>?, _ model: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<sparrow_error>?
) -> sparrow_status {
  answering(error) { () throws(Failure) in
    guard let path, let model else { throw .null("path and model") }
    model.pointee = handle(try ModelHandle.open(String(cString: path)))
  }
}

@_cdecl("sparrow_model_open_memory")
public func modelOpenMemory(
  _ bytes: UnsafeRawPointer?, _ size: Int, _ model: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<sparrow_error>?
) -> sparrow_status {
  answering(error) { () throws(Failure) in
    guard let bytes, let model else { throw .null("bytes and model") }
    guard size >= 0 else { throw Failure(SPARROW_BAD_ARGUMENT, "size is larger than any memory") }
    let region = Region(borrowing: UnsafeMutableRawPointer(mutating: bytes), count: size)
    model.pointee = handle(try ModelHandle.open(Bytes(region)))
  }
}

@_cdecl("sparrow_model_close")
public func modelClose(_ model: OpaquePointer?) {
  if let model { Unmanaged<ModelHandle>.fromOpaque(UnsafeRawPointer(model)).release() }
}

@_cdecl("sparrow_model_input_count")
public func modelInputCount(_ model: OpaquePointer?) -> Int32 {
  Int32(clamping: object(model, ModelHandle.self)?.inputs.count ?? 0)
}

@_cdecl("sparrow_model_output_count")
public func modelOutputCount(_ model: OpaquePointer?) -> Int32 {
  Int32(clamping: object(model, ModelHandle.self)?.outputs.count ?? 0)
}

@_cdecl("sparrow_model_input")
public func modelInput(
  _ model: OpaquePointer?, _ index: Int32, _ info: UnsafeMutablePointer<sparrow_info>?,
  _ error: UnsafeMutablePointer<sparrow_error>?
) -> sparrow_status {
  answering(error) { () throws(Failure) in
    try tell(object(model, ModelHandle.self)?.inputs, "inputs", index, info)
  }
}

@_cdecl("sparrow_model_output")
public func modelOutput(
  _ model: OpaquePointer?, _ index: Int32, _ info: UnsafeMutablePointer<sparrow_info>?,
  _ error: UnsafeMutablePointer<sparrow_error>?
) -> sparrow_status {
  answering(error) { () throws(Failure) in
    try tell(object(model, ModelHandle.self)?.outputs, "outputs", index, info)
  }
}

@_cdecl("sparrow_context_create")
public func contextCreate(
  _ model: OpaquePointer?, _ options: UnsafePointer<sparrow_options>?,
  _ context: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<sparrow_error>?
) -> sparrow_status {
  answering(error) { () throws(Failure) in
    guard let model = object(model, ModelHandle.self), let context else {
      throw .null("model and context")
    }
    var threads = Int(options?.pointee.threads ?? 1)
    guard (0...256).contains(threads) else {
      throw Failure(SPARROW_BAD_ARGUMENT, "threads is \(threads), expected 0 to 256")
    }
    if threads == 0 { threads = max(1, min(256, Int(sp_cpu_count()))) }
    context.pointee = handle(ContextHandle(model, threads: threads))
  }
}

@_cdecl("sparrow_context_destroy")
public func contextDestroy(_ context: OpaquePointer?) {
  if let context { Unmanaged<ContextHandle>.fromOpaque(UnsafeRawPointer(context)).release() }
}

@_cdecl("sparrow_run")
public func run(
  _ context: OpaquePointer?, _ inputs: UnsafePointer<sparrow_tensor>?, _ inputCount: Int32,
  _ outputs: UnsafeMutablePointer<sparrow_tensor>?, _ outputCount: Int32,
  _ error: UnsafeMutablePointer<sparrow_error>?
) -> sparrow_status {
  answering(error) { () throws(Failure) in
    guard let context = object(context, ContextHandle.self), inputs != nil || inputCount == 0,
      outputs != nil || outputCount == 0
    else { throw .null("context, inputs and outputs") }
    guard inputCount >= 0, outputCount >= 0 else {
      throw Failure(SPARROW_BAD_ARGUMENT, "a count of tensors is below 0")
    }
    try context.run(
      UnsafeBufferPointer(start: inputs, count: Int(inputCount)),
      into: UnsafeMutableBufferPointer(start: outputs, count: Int(outputCount)))
  }
}

private func tell(
  _ values: [ValueInfo]?, _ what: String, _ index: Int32,
  _ info: UnsafeMutablePointer<sparrow_info>?
) throws(Failure) {
  guard let values, let info else { throw .null("model and info") }
  guard values.indices.contains(Int(index)) else {
    throw Failure(
      SPARROW_BAD_ARGUMENT, "the index is \(Int(index)), the model has \(values.count) \(what)")
  }
  info.pointee = values[Int(index)].info
}

private func handle(_ object: some AnyObject) -> OpaquePointer {
  OpaquePointer(Unmanaged.passRetained(object).toOpaque())
}

private func object<T: AnyObject>(_ handle: OpaquePointer?, _ type: T.Type) -> T? {
  handle.map { Unmanaged<T>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
}

extension Failure {
  fileprivate static func null(_ names: String) -> Failure {
    Failure(SPARROW_BAD_ARGUMENT, "\(names) must not be NULL")
  }
}
