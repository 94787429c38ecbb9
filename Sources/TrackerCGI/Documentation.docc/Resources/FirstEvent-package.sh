mkdir hello && cd hello
swift package init --type executable --name hello
swift package add-dependency ../rigidanalytics-tracker --type path
swift package add-target-dependency TrackerCGI hello --package rigidanalytics-tracker
swift package add-target-dependency TrackerCore hello --package rigidanalytics-tracker
rm Sources/hello/*.swift
