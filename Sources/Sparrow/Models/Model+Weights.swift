import SparrowCore
import SparrowFormats

/// Weights and masks for training elsewhere, and what comes back.
extension Model {
  /// What ``exportMasks(to:)`` wrote.
  public struct ExportedMasks: Hashable, Sendable {
    /// Floating-point constants.
    public var tensors: Int
    /// Weights with zeros, each with a mask.
    public var masks: Int
    /// The zeros of those.
    public var zeros: Int
  }

  /// What a mask's name ends with.
  public static var maskSuffix: String { ".mask" }

  /// Writes every floating-point constant under its name, float32, and for each weight with zeros a
  /// mask `NAME.mask` of bool, true where it is not zero, to a safetensors file.
  public func exportMasks(to path: String) throws(SparrowError) -> ExportedMasks {
    let weights = Set(graph.weights().map { $0.value })
    var file = Safetensors([], metadata: ["format": "pt", "model": self.path])
    var found = ExportedMasks(tensors: 0, masks: 0, zeros: 0)
    for index in graph.values.indices {
      let (id, value) = (ValueID(index), graph.values[index])
      guard let tensor = value.constant, tensor.dtype.isFloatingPoint, let values = tensor.floats
      else { continue }
      file.tensors.append((value.name, Tensor(values, shape: tensor.shape)))
      found.tensors += 1
      guard weights.contains(id), values.contains(0) else { continue }
      let flags = values.map { $0 != 0 }
      file.tensors.append((value.name + Self.maskSuffix, Tensor(flags, shape: tensor.shape)))
      found.masks += 1
      found.zeros += flags.reduce(0) { $0 + ($1 ? 0 : 1) }
    }
    do throws(FormatError) { try file.write(to: path) } catch { throw .format(error) }
    return found
  }

  /// The model with constants from a safetensors file in the place of its own of the same names, in their
  /// element types. Masks, and tensors of names that the model does not have, are passed over;
  /// `replaced` are the names that were found.
  ///
  /// Throws for tensors of another shape than the constant's, that are no floating-point numbers, and
  /// where nothing fits.
  public func replacingWeights(
    from path: String
  ) throws(SparrowError) -> (model: Model, replaced: [String]) {
    let file: Safetensors
    do throws(FormatError) { file = try Safetensors.read(path) } catch { throw .format(error) }
    var tensors: [String: Tensor] = [:]
    for (name, tensor) in file.tensors { tensors[name] = tensor }
    var model = self
    var replaced: [String] = []
    for index in graph.values.indices {
      let (id, value) = (ValueID(index), graph.values[index])
      guard let old = value.constant, old.dtype.isFloatingPoint, let new = tensors[value.name]
      else { continue }
      guard new.shape == old.shape, let values = new.floats, new.dtype.isFloatingPoint else {
        throw .badInput(
          "\(path): '\(value.name)' is \(TensorType(new.dtype, shape: new.shape).text), expected "
            + "\(TensorType(old.dtype, shape: old.shape).text) as in \(self.path)")
      }
      model.graph[id].constant = Tensor(old.dtype, old.shape, doubles: values.map { Double($0) })
      replaced.append(value.name)
    }
    guard !replaced.isEmpty else {
      throw .badInput(
        "\(path): none of its \(file.tensors.count) tensors has the name of a constant of \(self.path)"
      )
    }
    return (model, replaced)
  }
}
