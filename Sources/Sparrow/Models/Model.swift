import SparrowCore
import SparrowFormats
import SparrowRuntime

/// A network and where it came from.
///
/// ```swift
/// let model = try Model.load(path: "resnet.onnx")
/// let small = try model.compressed(Recipe(prune: PruneStep(sparsity: 0.9)))
/// try small.model.deployable().save(to: "resnet.sparrow")
/// let outputs = try small.model.session().run([image])
/// ```
public struct Model: Sendable {
  public var graph: Graph
  /// The file it was read from, for messages.
  public var path: String
  /// Whether the graph is run as it is: it comes from a .sparrow file, or from ``optimized()``.
  public var isOptimized: Bool

  public init(graph: Graph, path: String, isOptimized: Bool = false) {
    (self.graph, self.path, self.isOptimized) = (graph, path, isOptimized)
  }

  /// Reads a model in the format its path's extension names; tensors stay memory-mapped.
  public static func load(path: String) throws(SparrowError) -> Model {
    switch try ModelFormat(path: path) {
    case .onnx:
      do throws(FormatError) {
        return Model(graph: try ONNX.read(path), path: path)
      } catch {
        throw .format(error)
      }
    case .sparrow:
      do throws(ContainerError) {
        return Model(graph: try Container.read(path: path), path: path, isOptimized: true)
      } catch {
        throw .container(error)
      }
    }
  }

  /// Writes the graph as it is, in the format the path's extension names: beside the path, and
  /// renamed there when it is complete.
  public func save(to path: String) throws(SparrowError) {
    let format = try ModelFormat(path: path)
    do throws(FormatError) {
      switch format {
      case .onnx: try ONNX.write(graph, to: path)
      case .sparrow: try ContainerWriter.write(graph, to: path)
      }
    } catch {
      throw .format(error)
    }
  }

  /// A session that runs the model, as ``optimized()`` makes it unless `optimizes` is false: then the
  /// graph runs node by node as it was read. For the others see
  /// ``SparrowRuntime/SessionOptions``.
  public func session(
    threads: Int = 1, optimizes: Bool = true, tuning: Tuning = .off,
    skipsClosedChannels: Bool = true
  ) throws(SparrowError) -> Session {
    let graph = optimizes ? try optimized().graph : graph
    let options = SessionOptions(
      threads: threads, tuning: tuning, skipsClosedChannels: skipsClosedChannels)
    do throws(RuntimeError) {
      return try Session(graph, options: options)
    } catch {
      throw .runtime(model: path, error)
    }
  }

  /// Plans a session made from this model for these inputs, as its first run does otherwise.
  public func prepare(_ session: Session, _ inputs: [Tensor]) throws(SparrowError) {
    do throws(RuntimeError) {
      try session.prepare(inputs)
    } catch {
      throw .runtime(model: path, error)
    }
  }

  /// Runs a session made from this model once and tells of each step; errors name the model.
  public func profile(_ session: Session, _ inputs: [Tensor]) throws(SparrowError) -> [StepProfile]
  {
    do throws(RuntimeError) {
      return try session.profile(inputs).steps
    } catch {
      throw .runtime(model: path, error)
    }
  }

  /// Runs a session made from this model; errors name the model.
  public func run(_ session: Session, _ inputs: [Tensor]) throws(SparrowError) -> [Tensor] {
    do throws(RuntimeError) {
      return try session.run(inputs)
    } catch {
      throw .runtime(model: path, error)
    }
  }
}
