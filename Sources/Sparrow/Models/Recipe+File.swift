import Foundation
import SparrowCompress

extension Recipe {
  /// Reads a recipe from a YAML file; see ``Recipe`` for the keys.
  public init(file: String) throws(SparrowError) {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw .recipe(file: file, reason: "the file cannot be read")
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw .recipe(file: file, reason: "it is not UTF-8 text, expected a recipe in YAML")
    }
    do throws(RecipeError) {
      try self.init(yaml: text)
    } catch {
      throw .recipe(file: file, reason: error.message)
    }
  }
}
