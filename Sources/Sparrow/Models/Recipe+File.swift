import Foundation
import SparrowCompress
import SparrowTrain

extension Recipe {
  /// Reads a recipe from a YAML file; see ``Recipe`` for the keys.
  public init(file: String) throws(SparrowError) {
    let text = try Self.text(of: file)
    do throws(RecipeError) {
      try self.init(yaml: text)
    } catch {
      throw .recipe(file: file, reason: error.message)
    }
  }

  /// The text of a recipe's file.
  static func text(of file: String) throws(SparrowError) -> String {
    // A handle reads pipes too.
    guard let handle = FileHandle(forReadingAtPath: file),
      let data = try? handle.readToEnd() ?? Data()
    else {
      throw .recipe(file: file, reason: "the file cannot be read")
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw .recipe(file: file, reason: "it is not UTF-8 text, expected a recipe in YAML")
    }
    return text
  }
}

extension TrainRecipe {
  /// Reads a recipe with training from a YAML file; see ``SparrowTrain/TrainRecipe`` for the keys.
  public init(file: String) throws(SparrowError) {
    let text = try Recipe.text(of: file)
    do throws(RecipeError) {
      try self.init(yaml: text)
    } catch {
      throw .recipe(file: file, reason: error.message)
    }
  }
}
