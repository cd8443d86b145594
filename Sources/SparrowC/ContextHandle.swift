import CPlatform
import CSparrow
import SparrowCore
import SparrowRuntime

/// What runs a model for one thread at a time.
final class ContextHandle {
  private let session: Session
  /// What C may read until the next run.
  private var outputs: [Tensor] = []
  private var shapes: [Region] = []

  init(_ model: ModelHandle, threads: Int) {
    session = Session(model.model, threads: threads)
  }

  /// Runs on tensors in C's memory, and describes the first outputs in `targets`.
  func run(
    _ inputs: UnsafeBufferPointer<sparrow_tensor>,
    into targets: UnsafeMutableBufferPointer<sparrow_tensor>
  ) throws(Failure) {
    var tensors: [Tensor] = []
    for (i, input) in inputs.enumerated() { tensors.append(try Self.tensor(input, i)) }
    let count = session.graph.outputs.count
    guard targets.count <= count else {
      throw Failure(
        SPARROW_BAD_ARGUMENT, "the model has \(count) outputs, room is given for \(targets.count)")
    }
    // The memory of the last outputs is used again.
    (outputs, shapes) = ([], [])
    do throws(RuntimeError) {
      outputs = try session.run(tensors).map { $0.dense() }
    } catch {
      throw Failure(error)
    }
    for i in targets.indices { targets[i] = describe(outputs[i]) }
  }

  private func describe(_ tensor: Tensor) -> sparrow_tensor {
    let shape = Region(count: max(1, tensor.rank) * MemoryLayout<Int64>.size)
    for (i, length) in tensor.shape.enumerated() {
      shape.base.storeBytes(of: Int64(length), toByteOffset: i * 8, as: Int64.self)
    }
    shapes.append(shape)
    let bytes = tensor.denseBytes
    return sparrow_tensor(
      type: sparrow_type(tensor.dtype), rank: Int32(clamping: tensor.rank),
      shape: UnsafePointer(shape.base.assumingMemoryBound(to: Int64.self)),
      data: bytes.map { UnsafeMutableRawPointer(mutating: $0.pointer) }, size: bytes?.count ?? 0)
  }

  /// The tensor that lies in C's memory, which is not copied.
  private static func tensor(_ input: sparrow_tensor, _ i: Int) throws(Failure) -> Tensor {
    guard let dtype = DType(rawValue: UInt8(clamping: input.type.rawValue)) else {
      throw Failure(
        SPARROW_BAD_ARGUMENT, "input \(i) has the unknown type \(Int(input.type.rawValue))")
    }
    guard (0...64).contains(input.rank), input.shape != nil || input.rank == 0 else {
      throw Failure(
        SPARROW_BAD_ARGUMENT, "input \(i) has rank \(Int(input.rank)) and no such shape")
    }
    let lengths = UnsafeBufferPointer(start: input.shape, count: Int(input.rank))
    let shape = lengths.map { Int(clamping: $0) }
    guard shape.allSatisfy({ $0 >= 0 }), let count = shape.checkedElementCount,
      case let (expected, overflow) = count.multipliedReportingOverflow(by: dtype.size), !overflow
    else {
      throw Failure(SPARROW_BAD_ARGUMENT, "input \(i) has a length below 0, or is too large")
    }
    guard input.size == expected, input.data != nil || expected == 0 else {
      throw Failure(
        SPARROW_BAD_ARGUMENT,
        "input \(i) is \(TensorType(dtype, shape: shape).text): \(expected) bytes, found "
          + "\(Int(clamping: input.size))")
    }
    guard let data = input.data else {
      return Tensor(dtype: dtype, shape: shape, bytes: Bytes(copying: [UInt8]()))
    }
    return Tensor(
      dtype: dtype, shape: shape, bytes: Bytes(Region(borrowing: data, count: expected)))
  }
}
