import Foundation
import Sparrow
import SparrowCore
import SparrowFormats
import SparrowRuntime
import SparrowTestSupport
import Testing

/// A model of one node, its inputs, and its outputs as onnxruntime computes them.
struct NodeCase: Sendable, CustomTestStringConvertible {
  let name: String
  let archive: NPZArchive
  var testDescription: String { name }

  static let all: [NodeCase] = {
    guard let archive = try? NPZArchive(path: Repository.fixture("nodes.npz")) else { return [] }
    return archive.names.filter { $0.hasSuffix("/model") }.map {
      NodeCase(name: String($0.dropLast("/model".count)), archive: archive)
    }
  }()

  func graph() throws -> Graph {
    let bytes = try archive.tensor(named: name + "/model").array(of: UInt8.self)
    return try ONNX.read(Bytes(copying: bytes), file: name)
  }

  func tensors(_ kind: String, _ names: [String]) throws -> [Tensor] {
    try names.map { try archive.tensor(named: "\(name)/\(kind)/\($0)") }
  }
}

/// onnxruntime's kernels and these add in different orders, and approximate functions differently.
private let nodeTolerance = 1e-5

private func isClose(_ a: Tensor, _ b: Tensor) -> Bool {
  guard a.dtype == b.dtype, a.shape == b.shape else { return false }
  // Results of rounding may fall to either side of a half.
  let tolerance = a.dtype.isFloatingPoint ? (a.dtype.size == 2 ? 2e-3 : nodeTolerance) : 0
  return zip(a.doubles, b.doubles).allSatisfy { x, y in
    x == y || (x.isNaN && y.isNaN) || abs(x - y) <= tolerance * (1 + abs(y))
  }
}

/// What a graph gives when every node runs its reference implementation.
private func reference(_ graph: Graph, _ inputs: [Tensor]) throws -> [Tensor] {
  var values = graph.values.map { $0.constant }
  for (id, tensor) in zip(graph.inputs, inputs) { values[id.index] = tensor }
  for node in graph.nodes {
    let operands = Operands(
      node.inputs.map { $0.flatMap { values[$0.index] } }, outputCount: node.outputs.count)
    for (id, tensor) in zip(node.outputs, try node.op.compute(operands)) {
      values[id.index] = tensor
    }
  }
  return graph.outputs.compactMap { values[$0.index] }
}

@Suite struct NodeCasesTests {
  @Test func thereAreCases() { #expect(NodeCase.all.count > 20) }

  @Test(arguments: NodeCase.all)
  func equalsOnnxruntime(_ node: NodeCase) throws {
    let graph = try node.graph()
    let inputs = try node.tensors("in", graph.inputs.map { graph[$0].name })
    let expected = try node.tensors("out", graph.outputs.map { graph[$0].name })
    for threads in [1, 3] {
      let outputs = try Session(graph, options: SessionOptions(threads: threads)).run(inputs)
      for (output, wanted) in zip(outputs, expected) {
        #expect(isClose(output, wanted), "\(node.name): \(output.doubles) \(wanted.doubles)")
      }
    }
    let read = try Container.read(bytes: Bytes(copying: ContainerWriter.bytes(of: graph)))
    #expect(try Session(read).run(inputs) == (try Session(graph).run(inputs)))
    do {
      for (output, wanted) in zip(try reference(graph, inputs), expected) {
        #expect(isClose(output, wanted), "reference of \(node.name)")
      }
    } catch let error as ComputeError {
      #expect(error.reason == "there is no reference implementation", "\(node.name)")
    }
  }
}
