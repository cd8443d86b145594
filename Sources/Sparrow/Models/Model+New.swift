import SparrowArchitectures
import SparrowCompress
import SparrowCore

extension Model {
  /// A network built from nothing, its parameters drawn from the settings' seed: to be trained.
  public static func new(
    _ architecture: Architecture, _ settings: ArchitectureSettings = ArchitectureSettings()
  ) throws(SparrowError) -> Model {
    do throws(ArchitectureError) {
      return Model(graph: try architecture.graph(settings), path: architecture.name)
    } catch {
      throw .architecture(error)
    }
  }

  /// Writes the graph node by node as it is, in either format; ``deployable(options:blockShape:)``
  /// folds what is still to be trained.
  public func saveTrainable(to path: String) throws(SparrowError) {
    switch try ModelFormat(path: path) {
    case .onnx: try save(to: path)
    case .sparrow: try encoded().save(to: path)
    }
  }
}

extension Architecture {
  /// The architecture of that name. Throws with the nearest names where there is none.
  public init(named name: String) throws(SparrowError) {
    guard let known = Architecture(rawValue: name.lowercased()) else {
      let names = Architecture.allCases.map { $0.name }
      let nearest = ClosestNames.of(name.lowercased(), among: names).joined(separator: ", ")
      throw .badSetting(
        "there is no architecture '\(name)'; did you mean \(nearest)? `sparrow new --list` shows all "
          + "\(names.count)")
    }
    self = known
  }
}
