import CSparrow
import SparrowCore
import SparrowRuntime

/// A model as C holds it. Nothing of it changes once it is made, so that threads may share it.
final class ModelHandle: Sendable {
  let model: SharedModel
  let inputs: [ValueInfo]
  let outputs: [ValueInfo]

  private init(_ model: SharedModel, _ graph: Graph) {
    self.model = model
    inputs = graph.inputs.map { ValueInfo(graph[$0]) }
    outputs = graph.outputs.map { ValueInfo(graph[$0]) }
  }

  static func open(_ path: String) throws(Failure) -> ModelHandle {
    try open { () throws(ContainerError) in try Container.read(path: path) }
  }

  static func open(_ bytes: Bytes) throws(Failure) -> ModelHandle {
    try open { () throws(ContainerError) in
      try Container.read(bytes: bytes, file: "the model in memory")
    }
  }

  private static func open(_ read: () throws(ContainerError) -> Graph) throws(Failure)
    -> ModelHandle
  {
    let graph: Graph
    do throws(ContainerError) { graph = try read() } catch { throw Failure(error) }
    do throws(RuntimeError) {
      return ModelHandle(try SharedModel(graph), graph)
    } catch {
      throw Failure(error)
    }
  }
}

/// An input or output in memory that C may read for as long as the model lives.
final class ValueInfo: Sendable {
  private let type: sparrow_type
  private let rank: Int32
  /// The name, ended by 0.
  private let name: Region
  private let shape: Region

  init(_ value: Value) {
    let text = Array(value.name.utf8) + [0]
    name = Region(count: text.count)
    UnsafeMutableRawBufferPointer(start: name.base, count: text.count).copyBytes(from: text)
    let lengths = (value.type?.dimensions ?? []).map { Int64($0.value ?? -1) }
    shape = Region(count: max(1, lengths.count) * MemoryLayout<Int64>.size)
    for (i, length) in lengths.enumerated() {
      shape.base.storeBytes(of: length, toByteOffset: i * 8, as: Int64.self)
    }
    rank = value.type?.dimensions.map { Int32(clamping: $0.count) } ?? -1
    type = sparrow_type(value.type?.dtype)
  }

  var info: sparrow_info {
    sparrow_info(
      name: UnsafePointer(name.base.assumingMemoryBound(to: CChar.self)), type: type, rank: rank,
      shape: UnsafePointer(shape.base.assumingMemoryBound(to: Int64.self)))
  }
}

extension sparrow_type {
  /// The numbers of both are ONNX's; those that the header does not name are other types.
  init(_ dtype: DType?) {
    guard let dtype, dtype.rawValue <= DType.bfloat16.rawValue else {
      self = SPARROW_OTHER_TYPE
      return
    }
    self.init(rawValue: UInt32(dtype.rawValue))
  }
}
