import Foundation
import SparrowCompress
import SparrowTrain
import Yams

/// A recipe file that does not say what a recipe says.
public struct RecipeError: Error, Equatable {
  /// The key at fault, as a path: `steps[0].prune.sparsity`; empty for the file as a whole.
  public var key: String
  /// What was found there, and what was expected.
  public var reason: String

  public var message: String { key.isEmpty ? reason : "\(key): \(reason)" }
}

extension Recipe {
  /// Reads a recipe from YAML (or JSON, which is YAML); see ``Recipe`` for its keys.
  ///
  /// A key that is mistyped, missing or of another type is an error that names it.
  public init(yaml text: String) throws(RecipeError) { self = try RecipeText.decoded(text) }

  /// The recipe as YAML, every key written out.
  public func yaml() throws -> String { try RecipeText.encoded(self) }
}

extension TrainRecipe {
  /// Reads a recipe with training from YAML; see ``SparrowTrain/TrainRecipe`` for its keys.
  public init(yaml text: String) throws(RecipeError) { self = try RecipeText.decoded(text) }

  /// The recipe as YAML, every key written out.
  public func yaml() throws -> String { try RecipeText.encoded(self) }
}

/// Recipes of both kinds as YAML.
private enum RecipeText {
  static func decoded<R: Decodable>(_ text: String) throws(RecipeError) -> R {
    do {
      return try YAMLDecoder().decode(R.self, from: text)
    } catch let error as DecodingError {
      throw RecipeError(error)
    } catch let error as YamlError {
      throw RecipeError(key: "", reason: "it is not valid YAML: \(error)")
    } catch {
      throw RecipeError(key: "", reason: "\(error)")
    }
  }

  static func encoded<R: Encodable>(_ recipe: R) throws -> String {
    let encoder = YAMLEncoder()
    encoder.options.sortKeys = true
    return try encoder.encode(recipe)
  }
}

extension RecipeError {
  init(_ error: DecodingError) {
    switch error {
    case .typeMismatch(let type, let context):
      self.init(path: context.codingPath, reason: "expected \(Self.name(of: type))")
    case .valueNotFound(let type, let context):
      self.init(path: context.codingPath, reason: "found nothing, expected \(Self.name(of: type))")
    case .keyNotFound(let key, let context):
      self.init(path: context.codingPath, reason: "the key '\(key.stringValue)' is missing")
    case .dataCorrupted(let context):
      // The underlying error is the parser's own; ours say everything in the description.
      let cause = context.underlyingError.map { ": \($0)" } ?? ""
      self.init(path: context.codingPath, reason: context.debugDescription + cause)
    @unknown default:
      self.init(key: "", reason: "\(error)")
    }
  }

  private init(path: [any CodingKey], reason: String) {
    let key = path.reduce(into: "") { result, key in
      if let index = key.intValue {
        result += "[\(index)]"
      } else {
        result += (result.isEmpty ? "" : ".") + key.stringValue
      }
    }
    self.init(key: key, reason: reason)
  }

  private static func name(of type: Any.Type) -> String {
    switch type {
    case is Double.Type: "a number"
    case is Int.Type: "a whole number"
    case is String.Type: "text"
    case is any Collection.Type: "a list"
    default: "keys and values"
    }
  }
}
