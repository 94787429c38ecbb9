cd rigidanalytics-tracker
swift run EventHandler
# EventHandler listens on http://127.0.0.1:8001/ - open it to watch events
