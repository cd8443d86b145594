import Foundation
import SparrowCore
import SparrowTestSupport

/// The storage variants, without their contents.
enum StorageVariant: String, CaseIterable, Sendable {
  case dense, bitmask, compressedRows, blocks, inputBlocks
}

/// Elements of which about `density` are nonzero; the others are exact zeros.
func sparseTensor(
  _ dtype: DType, _ shape: [Int], density: Double, seed: UInt64
) -> Tensor {
  var random = SeededGenerator(seed: seed)
  let count = shape.elementCount
  var bytes = [UInt8](repeating: 0, count: count * dtype.size)
  for i in 0..<count where Double.random(in: 0..<1, using: &random) < density {
    // Bools hold 0 and 1; for other types 0x3f in the top byte is an ordinary number.
    for j in 0..<dtype.size {
      bytes[i * dtype.size + j] = UInt8.random(in: 0...255, using: &random)
    }
    bytes[i * dtype.size + dtype.size - 1] = dtype == .bool ? 1 : 0x3f
  }
  return Tensor(dtype: dtype, shape: shape, bytes: Bytes(copying: bytes))
}

/// Floats between -1 and 1, which zlib hardly shrinks.
func randomFloats(_ shape: [Int], seed: UInt64) -> Tensor {
  var random = SeededGenerator(seed: seed)
  let floats = (0..<shape.elementCount).map { _ in Float.random(in: -1...1, using: &random) }
  return Tensor(floats, shape: shape)
}

extension Tensor {
  /// The same elements kept another way.
  func stored(_ variant: StorageVariant) -> Tensor {
    guard let bytes = dense().denseBytes else { return self }
    let storage: Storage
    switch variant {
    case .dense: storage = .dense(bytes)
    case .bitmask: storage = .bitmask(Bitmask(encoding: bytes, dtype: dtype))
    case .compressedRows:
      guard let rows = CompressedRows(encoding: bytes, dtype: dtype, shape: shape) else {
        return self
      }
      storage = .compressedRows(rows)
    case .blocks:
      storage = .blocks(
        Blocks(
          encoding: bytes, dtype: dtype, view: .outputsFirst(shape), outputs: 2, inputs: 3))
    case .inputBlocks:
      storage = .blocks(
        Blocks(
          encoding: bytes, dtype: dtype, view: .inputsFirst([shape[0], count / shape[0]]),
          outputs: 4, inputs: 1))
    }
    return Tensor(dtype: dtype, shape: shape, storage: storage)
  }
}

/// A network of a few hundred bytes that has every storage variant and kind of dimension.
func smallGraph() throws -> Graph {
  var graph = Graph(name: "small")
  graph.metadata = [
    MetadataEntry(key: "producer", value: "tests"), MetadataEntry(key: "ü", value: ""),
  ]
  let x = graph.addInput(
    "x", TensorType(.float32, [.symbol("batch"), .known(3), .unknown, .known(6)]))
  let kernel = sparseTensor(.float32, [4, 3, 3, 3], density: 0.3, seed: 1)
  var h = try graph.add(
    .conv(Conv(window: Window(pads: [1, 1, 1, 1]), activation: .clip(low: 0, high: 6))),
    [x, graph.addConstant("kernel", kernel.stored(.bitmask)), nil], name: "h")
  h = try graph.add(.globalPool(GlobalPool(.average)), [h], name: "pooled")
  h = try graph.add(.flatten(Flatten()), [h], name: "flat")
  let variants: [StorageVariant] = [.dense, .compressedRows, .blocks, .inputBlocks]
  for (i, variant) in variants.enumerated() {
    let weight = sparseTensor(.float32, [4, 4], density: 0.4, seed: UInt64(2 + i))
    let w = graph.addConstant("w\(i)", weight.stored(variant))
    h = try graph.add(.gemm(Gemm(transposesB: i % 2 == 0)), [h, w], name: "h\(i)")
  }
  graph.outputs = [h]
  return graph
}
