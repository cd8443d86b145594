import SparrowCore
import SparrowRuntime

// Builds relu(x w) by hand and runs it: touches the graph, inference, the planner and a kernel.
@main
struct Check {
  static func main() {
    var graph = Graph(name: "check")
    let x = graph.addInput("x", TensorType(.float32, shape: [1, 2]))
    let w = graph.addConstant("w", Tensor([1, -1, 2, -3] as [Float], shape: [2, 2]))
    do throws(GraphError) {
      let product = try graph.add(.matMul(MatMul()), [x, w], name: "product")
      graph.outputs = [try graph.add(.unary(Unary(.relu)), [product], name: "y")]
    } catch {
      return print(error.message)
    }
    do throws(RuntimeError) {
      let outputs = try Session(graph).run([Tensor([3, 4] as [Float], shape: [1, 2])])
      guard let y = outputs.first?.floats else { return print("no output") }
      print(y == [11, 0] ? "embedded ok" : "wrong output")
    } catch {
      print(error.message)
    }
  }
}
