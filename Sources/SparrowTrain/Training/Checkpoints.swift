import SparrowCompress
import SparrowCore

/// Where a run keeps what it needs to go on after an interruption.
public protocol CheckpointStore {
  /// Puts named tensors in the place of those that were kept before, all or none of them.
  func save(_ state: [(String, Tensor)]) throws(TrainError)
  /// What was kept last; nil where nothing was.
  func load() throws(TrainError) -> [String: Tensor]?
}

/// A checkpoint's tensors, read by name with the types and shapes that are expected.
struct CheckpointReader {
  let state: [String: Tensor]

  func tensor(_ name: String, _ dtype: DType, _ shape: [Int]? = nil) throws(TrainError) -> Tensor {
    guard let tensor = state[name] else {
      throw .checkpoint("the checkpoint has no '\(name)': it is damaged, or of another version")
    }
    guard tensor.dtype == dtype, shape == nil || tensor.shape == shape else {
      let expected = shape.map { TensorType(dtype, shape: $0).text } ?? dtype.name
      throw .checkpoint(
        "the checkpoint's '\(name)' is \(TensorType(tensor.dtype, shape: tensor.shape).text), expected "
          + expected)
    }
    return tensor
  }

  func integers(_ name: String, count: Int) throws(TrainError) -> [Int] {
    try tensor(name, .int64, [count]).integers ?? []
  }

  func doubles(_ name: String, count: Int) throws(TrainError) -> [Double] {
    try tensor(name, .float64, [count]).doubles
  }

  func load(_ name: String, into memory: ParameterMemory) throws(TrainError) {
    for i in 0..<memory.count {
      memory.load(try tensor("\(name).\(i)", .float32, memory.tensors[i].shape), at: i)
    }
  }

  /// The mask of a weight of `count` elements; nil where there is none.
  func mask(_ name: String, count: Int) throws(TrainError) -> WeightMask? {
    guard state[name] != nil else { return nil }
    let tensor = try tensor(name, .uint8, [(count + 7) / 8])
    guard let bits = tensor.dense().denseBytes else { return nil }
    return WeightMask(bits: bits, count: count)
  }

  /// The part of the state whose names begin with `prefix`, without it.
  func part(_ prefix: String) -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    for (name, tensor) in state where name.hasPrefix(prefix) {
      result[String(name.dropFirst(prefix.count))] = tensor
    }
    return result
  }
}

extension ParameterMemory {
  func checkpoint(_ name: String) -> [(String, Tensor)] {
    tensors.indices.map { ("\(name).\($0)", tensors[$0]) }
  }
}

extension WeightMask {
  var tensor: Tensor { Tensor(dtype: .uint8, shape: [bits.count], bytes: bits) }
}

extension TrainingContext {
  /// Everything of the run but the method's own: parameters, what the optimiser remembers, running
  /// statistics, masks, and the position. Tensors are views of memory that goes on changing.
  func checkpoint() -> [(String, Tensor)] {
    var state = parameters.checkpoint("parameter") + statistics.checkpoint("statistic")
    for (k, slot) in optimizer.slots.enumerated() { state += slot.checkpoint("slot.\(k)") }
    for (i, mask) in masks.sorted(by: { $0.key < $1.key }) {
      state.append(("mask.\(i)", mask.mask.tensor))
    }
    let position = [epoch, stepInEpoch, optimizer.stepCount].map { Int64($0) }
    return state + [("position", Tensor(position))]
  }

  func restore(_ reader: CheckpointReader) throws(TrainError) {
    try reader.load("parameter", into: parameters)
    try reader.load("statistic", into: statistics)
    var masks: [Int: WeightMask] = [:]
    for (i, parameter) in network.parameters.enumerated() {
      masks[i] = try reader.mask("mask.\(i)", count: parameter.count)
    }
    setMasks(masks)
    for (k, slot) in optimizer.slots.enumerated() { try reader.load("slot.\(k)", into: slot) }
    let position = try reader.integers("position", count: 3)
    guard (0...epochs).contains(position[0]), (0..<stepsPerEpoch).contains(position[1]),
      position[2] >= 0
    else {
      throw .checkpoint("the checkpoint is at epoch \(position[0]), step \(position[1]): damaged")
    }
    (epoch, stepInEpoch) = (position[0], position[1])
    optimizer.resume(after: position[2])
  }
}
